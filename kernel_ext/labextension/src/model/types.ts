/** What the gateway answers, as far as these screens show it. Decimals are texts, times RFC 3339 in UTC. */

export interface Page<Item> {
  items: Item[];
  next: string;
}

export interface Me {
  user: string;
  name: string;
  role: string;
  permissions: string[];
  portfolios: string[];
}

export interface Deployment {
  deployment: string;
  release: string;
  strategy: string;
  target: 'paper' | 'live';
  portfolio: string;
  instruments: string[];
  timeframe: string;
  desired_state: string;
  state: string;
  message: string;
  halt: string;
  paused?: boolean;
  epoch: number;
  restarts: number;
  heartbeat_at: string | null;
  currency: string;
  equity: string;
  realized_pnl: string;
  unrealized_pnl: string;
  fees: string;
}

export interface Runner {
  deployment: string;
  epoch: number;
  state: string;
  message: string;
  pid: number;
  host: string;
  restarts: number;
  heartbeat_at: string | null;
  runs: number[];
}

export type ScopeKind = 'global' | 'portfolio' | 'deployment' | 'instrument';

export interface Scope {
  scope: ScopeKind;
  scope_id: string;
}

export interface Halt extends Scope {
  state: string;
  actor: string;
  reason: string;
  changed_at: string;
}

export interface Parameter {
  name: string;
  kind: string;
  default: unknown;
}

export interface Inspection {
  notebook: string;
  name: string;
  parameters: Parameter[];
  warnings: string[];
}

export interface FieldFault {
  where: string;
  message: string;
}

/** RFC 9457 problem details; `hint` says what to do. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  hint: string;
  faults: FieldFault[];
}

export interface Operation {
  operation_id: string;
  kind: string;
  state: 'running' | 'done' | 'failed';
  steps: string[];
  result: Record<string, unknown> | null;
  problem: Problem | null;
}

export interface LogText {
  text: string;
  next: number;
}

/** Where the other screens are. */
export interface Screens {
  monitor: string;
  trader: string;
  gateway: string;
  workspace_root: string;
}
