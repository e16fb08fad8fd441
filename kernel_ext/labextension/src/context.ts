/** What every part of the extension works with. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { TranslationBundle } from '@jupyterlab/translation';

import { Api } from './api';
import { Status } from './status';

export interface Context {
  readonly app: JupyterFrontEnd;
  readonly api: Api;
  readonly status: Status;
  readonly trans: TranslationBundle;
  /** The language of JupyterLab as a BCP 47 tag: numbers and ages are written as its texts are. */
  readonly locale: string;
}

export namespace CommandIDs {
  export const show = 'millstream:show';
  export const start = 'millstream:start-deployment';
  export const stop = 'millstream:stop-deployment';
  export const pause = 'millstream:pause-deployment';
  export const unpause = 'millstream:unpause-deployment';
  export const log = 'millstream:open-log';
  export const executed = 'millstream:open-executed-notebook';
  export const promote = 'millstream:promote';
  export const halt = 'millstream:halt';
  export const resume = 'millstream:resume';
  export const monitor = 'millstream:open-monitor';
  export const trader = 'millstream:open-trader';
  export const template = 'millstream:new-strategy';
}
