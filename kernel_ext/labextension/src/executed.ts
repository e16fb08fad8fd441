/** The executed notebook of a run, as the gateway renders it: sanitised, in a frame that runs no script. */

import { MainAreaWidget } from '@jupyterlab/apputils';
import { HTMLSelect, ReactWidget, ToolbarButton } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { problemOf } from './api';
import { Context } from './context';
import { notebookRunIcon } from './icons';
import { join } from './model/faults';
import { Page } from './model/types';

export class ExecutedView extends Widget {
  runs: number[] = [];

  private readonly frame = document.createElement('iframe');
  private readonly notice = document.createElement('div');

  constructor(
    private readonly context: Context,
    readonly deployment: string,
    public epoch: number | null
  ) {
    super();
    this.addClass('ms-Executed');
    this.notice.className = 'ms-Notice';
    this.notice.setAttribute('role', 'status');
    // Without allow-scripts and allow-same-origin, whatever a notebook printed stays a picture of it.
    this.frame.setAttribute('sandbox', '');
    this.frame.title = context.trans.__('Executed notebook of %1', deployment);
    this.node.append(this.notice, this.frame);
  }

  /** Read the list of runs and show the chosen one, the newest where none is chosen. */
  async load(): Promise<void> {
    const { trans, api } = this.context;
    const base = `deployments/${encodeURIComponent(this.deployment)}/runs`;
    this.say(trans.__('Reading the notebook…'));
    try {
      const { items } = await api.get<Page<number>>(base);
      this.runs = [...items].sort((one, other) => other - one);
      this.epoch = this.epoch !== null && this.runs.includes(this.epoch) ? this.epoch : (this.runs[0] ?? null);
      if (this.epoch === null) {
        this.say(trans.__('No run of %1 is kept yet. It appears when the runner has executed its first cell.', this.deployment));
        return;
      }
      this.frame.srcdoc = await api.text(`${base}/${this.epoch}/notebook?format=html`);
      this.notice.hidden = true;
      this.frame.hidden = false;
    } catch (error) {
      const { title, detail, hint } = problemOf(error, trans);
      this.say(join(detail || title, hint));
      this.notice.classList.add('ms-mod-error');
    }
  }

  private say(text: string): void {
    this.notice.classList.remove('ms-mod-error');
    this.notice.textContent = text;
    this.notice.hidden = false;
    this.frame.hidden = true;
  }
}

class RunChoice extends ReactWidget {
  constructor(
    private readonly context: Context,
    private readonly view: ExecutedView
  ) {
    super();
  }

  protected render(): JSX.Element {
    const { trans } = this.context;
    return React.createElement(HTMLSelect, {
      'aria-label': trans.__('Run'),
      value: String(this.view.epoch ?? ''),
      options: this.view.runs.map(run => ({ value: String(run), label: trans.__('Run %1', run) })),
      onChange: (event: React.ChangeEvent<HTMLSelectElement>) => {
        this.view.epoch = Number(event.target.value);
        void this.reload();
      }
    });
  }

  async reload(): Promise<void> {
    await this.view.load();
    this.update();
  }
}

export function executedWidget(
  context: Context,
  deployment: string,
  epoch: number | null
): MainAreaWidget<ExecutedView> {
  const { trans } = context;
  const content = new ExecutedView(context, deployment, epoch);
  const choice = new RunChoice(context, content);
  const widget = new MainAreaWidget({ content, reveal: choice.reload() });
  widget.id = `millstream-executed-${deployment}`;
  widget.title.label = trans.__('Run: %1', deployment);
  widget.title.icon = notebookRunIcon;
  widget.title.closable = true;
  widget.toolbar.addItem('run', choice);
  widget.toolbar.addItem(
    'reload',
    new ToolbarButton({ label: trans.__('Read again'), onClick: () => void choice.reload() })
  );
  return widget;
}
