/** Numbers and times as people read them. */

import { Deployment } from './types';

/** Realised and unrealised P&L after fees, in the deployment's currency. */
export function profit(one: Deployment): number {
  return Number(one.realized_pnl) + Number(one.unrealized_pnl) - Number(one.fees);
}

/** `+1,234.50 USD`: the sign is always written, so that colour is never the only sign of a loss. */
export function signed(value: number, currency: string, locale?: string): string {
  if (!Number.isFinite(value)) {
    return '–';
  }
  const digits = new Intl.NumberFormat(locale, {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    signDisplay: 'exceptZero'
  }).format(value);
  return `${digits.replace('-', '−')} ${currency}`;
}

/** The class that colours a profit or loss. A value that is shown as zero has no colour. */
export function tone(value: number): 'gain' | 'loss' | 'even' {
  if (!(Math.abs(value) >= 0.005)) {
    return 'even';
  }
  return value > 0 ? 'gain' : 'loss';
}

/** Seconds since `time`; null where there is none. `now` is milliseconds of the server's clock. */
export function ageSeconds(time: string | null, now: number): number | null {
  const at = time === null ? NaN : Date.parse(time);
  return Number.isNaN(at) ? null : Math.max(0, (now - at) / 1000);
}

/** `4 s`, `3 min`, `2 h`, `5 d`. */
export function age(seconds: number | null): string {
  if (seconds === null) {
    return '–';
  }
  const steps: [number, number, string][] = [
    [60, 1, 's'],
    [3600, 60, 'min'],
    [86400, 3600, 'h'],
    [Infinity, 86400, 'd']
  ];
  const [, size, unit] = steps.find(([limit]) => seconds < limit)!;
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** A runner that works beats every second; one that was silent this long needs a look. */
export const SILENT_SECONDS = 15;

/** Whether a working deployment has been silent too long. */
export function silent(one: Deployment, now: number): boolean {
  const seconds = ageSeconds(one.heartbeat_at, now);
  return one.state === 'running' && (seconds === null || seconds > SILENT_SECONDS);
}
