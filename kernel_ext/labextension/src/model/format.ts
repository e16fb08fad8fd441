/** Numbers and times as people read them. */

import { Deployment } from './types';

/** Realised and unrealised P&L after fees, in the deployment's currency. */
export function profit(one: Deployment): number {
  return Number(one.realized_pnl) + Number(one.unrealized_pnl) - Number(one.fees);
}

/** `+1,234.50 USD`: the sign is always written, so that colour is never the only sign of a loss. */
export function signed(value: number, currency: string, locale: string): string {
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

/** `4 sec`, `3 min`, `2 hr`, `5 days`, in the short words of the language. */
export function age(seconds: number | null, locale: string): string {
  if (seconds === null) {
    return '–';
  }
  const steps: [number, number, string][] = [
    [60, 1, 'second'],
    [3600, 60, 'minute'],
    [86400, 3600, 'hour'],
    [Infinity, 86400, 'day']
  ];
  const [, size, unit] = steps.find(([limit]) => seconds < limit)!;
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' });
  return format.format(Math.floor(seconds / size));
}

/** JupyterLab's name of a language (`zh_CN`) as a BCP 47 tag; one that `Intl` does not take is English. */
export function localeOf(languageCode: string): string {
  const tag = languageCode.replace(/_/g, '-');
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? 'en';
  } catch {
    return 'en';
  }
}

/** A runner that works beats every second; one that was silent this long needs a look. */
export const SILENT_SECONDS = 15;

/** Whether a working deployment has been silent too long. */
export function silent(one: Deployment, now: number): boolean {
  const seconds = ageSeconds(one.heartbeat_at, now);
  return one.state === 'running' && (seconds === null || seconds > SILENT_SECONDS);
}
