import { describeAgents } from './agent_cases.mjs';
import { kSdk1 } from './clients.mjs';
import { describeCoordination } from './coordination_cases.mjs';

describeAgents(kSdk1);
describeCoordination(kSdk1);
