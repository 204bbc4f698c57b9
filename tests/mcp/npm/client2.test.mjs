import { describeAgents } from './agent_cases.mjs';
import { kClient2 } from './clients.mjs';
import { describeCoordination } from './coordination_cases.mjs';

describeAgents(kClient2);
describeCoordination(kClient2);
