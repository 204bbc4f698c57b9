import { describeAgents } from './agent_cases.mjs';
import { kClient2Auto } from './clients.mjs';

describeAgents(kClient2Auto);
