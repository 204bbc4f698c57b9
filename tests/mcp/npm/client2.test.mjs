import { describeAgents } from './agent_cases.mjs';
import { kClient2 } from './clients.mjs';

describeAgents(kClient2);
