/** A promotion as it proceeds: its steps, then the deployment or what went wrong. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';

import { problemOf } from './api';
import { CommandIDs, Context } from './context';
import { Operation, Problem } from './model/types';
import { ProblemNotice } from './notice';

const INTERVAL = 500;

export interface Outcomes {
  done: () => void;
  again: (problem: Problem) => void;
}

export class Progress extends ReactWidget {
  private readonly poll: Poll;
  private readonly _finished = new Signal<this, Operation>(this);
  private lost: Problem | null = null;

  constructor(
    private readonly context: Context,
    private operation: Operation,
    private readonly outcomes: Outcomes
  ) {
    super();
    this.addClass('ms-Progress');
    this.node.tabIndex = -1;
    this.poll = new Poll({
      name: '@millstream/lab:operation',
      factory: () => this.read(),
      frequency: { interval: INTERVAL, backoff: true, max: 10_000 },
      standby: 'never'
    });
  }

  get finished(): ISignal<this, Operation> {
    return this._finished;
  }

  dispose(): void {
    this.poll.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    const { trans } = this.context;
    const { state, steps, problem } = this.operation;
    const running = state === 'running';
    return (
      <>
        <ol className="ms-Steps" aria-live="polite" aria-busy={running}>
          {steps.map((step, at) => (
            <li key={at} className={running && at === steps.length - 1 ? 'ms-mod-now' : ''}>
              {step}
            </li>
          ))}
        </ol>
        {running && <progress aria-label={trans.__('Promotion is running')} />}
        {running && this.lost && <ProblemNotice problem={this.lost} title={trans.__('Connection lost; trying again')} />}
        {state === 'failed' && problem && this.renderFailure(problem)}
        {state === 'done' && this.renderDone()}
      </>
    );
  }

  private renderFailure(problem: Problem): JSX.Element {
    const { trans } = this.context;
    return (
      <>
        <ProblemNotice problem={problem} title={trans.__('Not promoted')} />
        <button className="jp-mod-styled jp-mod-accept ms-Button" onClick={() => this.outcomes.again(problem)}>
          {trans.__('Change and try again…')}
        </button>
      </>
    );
  }

  private renderDone(): JSX.Element {
    const { trans, app } = this.context;
    const deployment = String(this.operation.result?.deployment ?? '');
    return (
      <div className="ms-Notice ms-mod-done" role="status">
        <strong>{trans.__('Promoted.')}</strong>{' '}
        {deployment && (
          <button
            className="ms-Link"
            onClick={() => void app.commands.execute(CommandIDs.show, { deployment })}
          >
            {trans.__('Show the deployment %1', deployment)}
          </button>
        )}
      </div>
    );
  }

  private async read(): Promise<void> {
    try {
      this.operation = await this.context.api.get<Operation>(`operations/${this.operation.operation_id}`);
      this.lost = null;
    } catch (error) {
      this.lost = problemOf(error, this.context.trans);
      this.update();
      throw error; // the poll backs off
    }
    this.update();
    if (this.operation.state !== 'running') {
      this.end();
    }
  }

  private end(): void {
    void this.poll.stop();
    if (this.operation.state === 'done') {
      this.outcomes.done();
      void this.context.status.refresh();
    }
    this._finished.emit(this.operation);
  }
}
