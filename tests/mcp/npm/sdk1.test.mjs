import { describeAgents } from './agent_cases.mjs';
import { kSdk1 } from './clients.mjs';

describeAgents(kSdk1);
