import { describeAgents } from './agent_cases.mjs';
import { kClient2Auto } from './clients.mjs';
import { describeCoordination } from './coordination_cases.mjs';

describeAgents(kClient2Auto);
describeCoordination(kClient2Auto);
