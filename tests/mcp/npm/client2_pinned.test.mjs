import { describeAgents } from './agent_cases.mjs';
import { kClient2Pinned } from './clients.mjs';

describeAgents(kClient2Pinned);
