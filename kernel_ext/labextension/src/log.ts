/** The log of a deployment's runner, followed while it is looked at. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import { ToolbarButton } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { problemOf } from './api';
import { Context } from './context';
import { logIcon } from './icons';
import { join } from './model/faults';
import { appended } from './model/text';
import { LogText } from './model/types';

const FIRST_LINES = 500;
const MAX_LINES = 5000;
const INTERVAL = 1000;

export class LogView extends Widget {
  private readonly poll: Poll;
  private readonly pre = document.createElement('pre');
  private readonly notice = document.createElement('div');
  private next: number | null = null;
  private text = '';

  constructor(
    private readonly context: Context,
    private readonly deployment: string
  ) {
    super();
    const { trans } = context;
    this.addClass('ms-Log');
    this.notice.className = 'ms-Notice ms-mod-error';
    this.notice.hidden = true;
    this.notice.setAttribute('role', 'alert');
    this.pre.tabIndex = 0;
    this.pre.setAttribute('role', 'log');
    this.pre.setAttribute('aria-label', trans.__('Log of %1', deployment));
    this.node.append(this.notice, this.pre);
    this.poll = new Poll({
      name: '@millstream/lab:log',
      factory: () => this.read(),
      frequency: { interval: INTERVAL, backoff: true, max: 30_000 },
      standby: () => !this.isVisible || document.hidden
    });
  }

  dispose(): void {
    this.poll.dispose();
    super.dispose();
  }

  toEnd(): void {
    this.pre.scrollTop = this.pre.scrollHeight;
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.poll.refresh();
  }

  protected onActivateRequest(): void {
    this.pre.focus();
  }

  private async read(): Promise<void> {
    const from = this.next === null ? `lines=${FIRST_LINES}` : `after=${this.next}`;
    try {
      const read = await this.context.api.get<LogText>(`deployments/${encodeURIComponent(this.deployment)}/log?${from}`);
      this.notice.hidden = true;
      this.append(read);
    } catch (error) {
      const { title, detail, hint } = problemOf(error, this.context.trans);
      this.notice.textContent = join(detail || title, hint);
      this.notice.hidden = false;
      throw error; // the poll backs off
    }
  }

  private append(read: LogText): void {
    const { pre } = this;
    // A log that became shorter was started again.
    this.text = this.next !== null && read.next < this.next ? read.text : appended(this.text, read.text, MAX_LINES);
    this.next = read.next;
    if (pre.textContent === this.text) {
      return;
    }
    // Whoever scrolled up to read stays there.
    const following = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
    pre.textContent = this.text || this.context.trans.__('The log is empty: the runner has written nothing yet.');
    if (following) {
      this.toEnd();
    }
  }
}

export function logWidget(context: Context, deployment: string): MainAreaWidget<LogView> {
  const { trans } = context;
  const content = new LogView(context, deployment);
  const widget = new MainAreaWidget({ content });
  widget.id = `millstream-log-${deployment}`;
  widget.title.label = trans.__('Log: %1', deployment);
  widget.title.icon = logIcon;
  widget.title.closable = true;
  widget.toolbar.addItem(
    'end',
    new ToolbarButton({ label: trans.__('Go to the end'), onClick: () => content.toEnd() })
  );
  return widget;
}
