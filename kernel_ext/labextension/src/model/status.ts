/** What the screens know, and how each answer of the gateway changes it. Pure: no request, no clock. */

import { profit } from './format';
import { Deployment, Halt, Me, Problem, Runner, Scope } from './types';

/** `problem` is why the last poll failed; what was known before stays, marked as old. */
export interface State {
  readonly connected: boolean;
  readonly problem: Problem | null;
  readonly me: Me | null;
  /** null until they were read once: an empty list and an unread one are shown differently. */
  readonly deployments: Deployment[] | null;
  readonly runners: Runner[];
  readonly halts: Halt[] | null;
  /** The server's clock minus this machine's, in milliseconds. */
  readonly skew: number;
}

/** A poll's news; what is left out has not changed. */
export interface News {
  me?: Me;
  deployments?: Deployment[];
  runners?: Runner[];
  halts?: Halt[];
  skew?: number;
}

export const INITIAL: State = {
  connected: false,
  problem: null,
  me: null,
  deployments: null,
  runners: [],
  halts: null,
  skew: 0
};

export function received(state: State, news: News): State {
  return { ...state, ...news, connected: true, problem: null };
}

/** The code of the problem that nobody is logged in: the gateway's own, which the Jupyter server's 403 becomes too. */
export const SIGNED_OUT = 'UNAUTHENTICATED';

/** A login that ended takes the permissions with it: commands go until somebody is logged in again. */
export function failed(state: State, problem: Problem): State {
  const me = problem.code === SIGNED_OUT ? null : state.me;
  return { ...state, connected: false, problem, me };
}

export function may(state: State, permission: string): boolean {
  return state.me?.permissions.includes(permission) ?? false;
}

export type Action = 'start' | 'stop' | 'pause' | 'unpause';

const ENDED = ['stopped', 'completed', 'held'];
const NEEDS: Record<Action, string> = { start: 'deploy', stop: 'deploy', pause: 'halt', unpause: 'halt' };

/** The commands that make sense for a deployment and that the person may give. */
export function actions(state: State, one: Deployment): Action[] {
  const stopped = one.desired_state === 'stopped' || ENDED.includes(one.state);
  const fitting: Action[] = [stopped ? 'start' : 'stop'];
  if (ownHalt(state, one)) {
    fitting.push('unpause');
  } else if (!stopped && one.halt === 'active') {
    fitting.push('pause');
  }
  return fitting.filter(action => may(state, NEEDS[action]));
}

/** The halt of the deployment's own scope. */
export function ownHalt(state: State, one: Deployment): Halt | undefined {
  return state.halts?.find(halt => sameScope(halt, { scope: 'deployment', scope_id: one.deployment }));
}

export function sameScope(one: Scope, other: Scope): boolean {
  return one.scope === other.scope && one.scope_id === other.scope_id;
}

/** The newest run whose executed notebook is kept. */
export function lastRun(state: State, deployment: string): number | null {
  const runs = state.runners.find(one => one.deployment === deployment)?.runs ?? [];
  return runs.length > 0 ? Math.max(...runs) : null;
}

/** Deployments of one target, with the P&L of each currency: paper and live are never added. */
export interface Group {
  target: string;
  deployments: Deployment[];
  running: number;
  profits: [currency: string, value: number][];
}

export function groups(deployments: Deployment[]): Group[] {
  return ['live', 'paper'].flatMap(target => {
    const members = deployments.filter(one => one.target === target);
    if (members.length === 0) {
      return [];
    }
    const sums = new Map<string, number>();
    for (const one of members) {
      sums.set(one.currency, (sums.get(one.currency) ?? 0) + profit(one));
    }
    const running = members.filter(one => one.state === 'running').length;
    return [{ target, deployments: members, running, profits: [...sums].sort() }];
  });
}

/** The strictest state of all scopes: what the status bar says. */
export function trading(halts: Halt[] | null): 'unknown' | 'active' | 'partly' | 'halted' {
  if (halts === null) {
    return 'unknown';
  }
  if (halts.some(halt => halt.scope === 'global' && halt.state === 'halted')) {
    return 'halted';
  }
  return halts.length > 0 ? 'partly' : 'active';
}

/** The scopes that can be named in a halt: those of the deployments that are known. */
export function scopeIds(state: State, kind: Scope['scope']): string[] {
  const known = state.deployments ?? [];
  const ids: Record<Scope['scope'], string[]> = {
    global: [],
    portfolio: known.map(one => one.portfolio),
    deployment: known.map(one => one.deployment),
    instrument: known.flatMap(one => one.instruments)
  };
  return [...new Set(ids[kind])].sort();
}
