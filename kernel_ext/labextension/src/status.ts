/** One poll for all screens of this page: status only where somebody looks at it, halts always. */

import { TranslationBundle } from '@jupyterlab/translation';
import { ISignal, Signal } from '@lumino/signaling';
import { Poll } from '@lumino/polling';

import { Api, problemOf } from './api';
import { failed, INITIAL, News, received, State } from './model/status';
import { Deployment, Halt, Me, Page, Runner } from './model/types';

const MAX_BACKOFF = 60_000;
const LIMIT = 1000;

export class Status {
  private readonly poll: Poll;
  private readonly _changed = new Signal<this, State>(this);
  private _state: State = INITIAL;

  /** `watched` says whether somebody sees deployments and runners now. */
  constructor(
    readonly api: Api,
    private readonly trans: TranslationBundle,
    private readonly watched: () => boolean,
    interval: number
  ) {
    this.poll = new Poll({
      name: '@millstream/lab:status',
      factory: () => this.read(),
      frequency: { interval, backoff: true, max: MAX_BACKOFF },
      standby: 'when-hidden'
    });
  }

  get state(): State {
    return this._state;
  }

  get changed(): ISignal<this, State> {
    return this._changed;
  }

  /** Milliseconds of the server's clock. */
  now(): number {
    return Date.now() + this._state.skew;
  }

  setInterval(interval: number): void {
    this.poll.frequency = { interval, backoff: true, max: Math.max(interval, MAX_BACKOFF) };
  }

  /** Read at once: after a command, or when the panel is opened. What fails is in the state, it is not the caller's. */
  async refresh(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick.catch(() => undefined);
  }

  dispose(): void {
    this.poll.dispose();
    Signal.clearData(this);
  }

  private async read(): Promise<void> {
    try {
      this.set(received(this._state, await this.news()));
    } catch (error) {
      // What comes after a failure may be another gateway: everything is read anew.
      this.api.forget();
      this.set(failed(this._state, problemOf(error, this.trans)));
      throw error; // the poll backs off
    }
  }

  private async news(): Promise<News> {
    const watched = this.watched();
    const [halts, me, deployments, runners] = await Promise.all([
      this.api.poll<Page<Halt>>(`halts?limit=${LIMIT}`),
      this.api.poll<Me>('me'),
      watched ? this.api.poll<Page<Deployment>>(`deployments?limit=${LIMIT}`) : undefined,
      watched ? this.api.poll<Page<Runner>>(`runners?limit=${LIMIT}`) : undefined
    ]);
    const news: News = { skew: this.api.skew };
    assign(news, 'halts', halts?.items);
    assign(news, 'me', me);
    assign(news, 'deployments', deployments?.items);
    assign(news, 'runners', runners?.items);
    return news;
  }

  private set(state: State): void {
    this._state = state;
    this._changed.emit(state);
  }
}

function assign<Key extends keyof News>(news: News, key: Key, value: News[Key]): void {
  if (value !== undefined) {
    news[key] = value;
  }
}
