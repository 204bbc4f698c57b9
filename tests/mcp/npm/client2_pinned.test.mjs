import { describeAgents } from './agent_cases.mjs';
import { kClient2Pinned } from './clients.mjs';
import { describeCoordination } from './coordination_cases.mjs';

describeAgents(kClient2Pinned);
describeCoordination(kClient2Pinned);
