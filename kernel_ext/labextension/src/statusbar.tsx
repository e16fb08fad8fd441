/** The halt in the status bar: the state of trading at a glance, and the way to change it. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs, Context } from './context';
import { may, State, trading } from './model/status';

export class TradingState extends ReactWidget {
  constructor(private readonly context: Context) {
    super();
    this.addClass('ms-TradingState');
  }

  protected render(): JSX.Element {
    const { status } = this.context;
    return (
      <UseSignal signal={status.changed} initialArgs={status.state}>
        {(_, state) => this.renderState(state ?? status.state)}
      </UseSignal>
    );
  }

  private renderState(state: State): JSX.Element {
    const { trans, app } = this.context;
    const now = state.connected ? trading(state.halts) : 'unknown';
    const words = {
      unknown: trans.__('Trading: not connected'),
      active: trans.__('Trading: active'),
      partly: trans.__('Trading: %1 halted', state.halts?.length ?? 0),
      halted: trans.__('Trading: HALTED')
    };
    const look = `ms-TradingState-item ms-mod-${now}`;
    if (now === 'unknown') {
      const show = () => void app.commands.execute(CommandIDs.show);
      return this.renderButton(look, words[now], trans.__('Show what is wrong'), show);
    }
    if (!may(state, 'halt')) {
      return <span className={look}>{words[now]}</span>;
    }
    const halted = now !== 'active';
    const act = () => void app.commands.execute(halted ? CommandIDs.resume : CommandIDs.halt);
    const title = halted ? trans.__('Resume trading…') : trans.__('Halt trading…');
    return (
      <>
        {this.renderButton(look, words[now], title, act)}
        {now === 'partly' &&
          this.renderButton('ms-TradingState-item ms-mod-more', trans.__('Halt…'), trans.__('Halt more'), () =>
            void app.commands.execute(CommandIDs.halt)
          )}
      </>
    );
  }

  private renderButton(look: string, text: string, title: string, act: () => void): JSX.Element {
    return (
      <button type="button" className={look} title={title} aria-label={`${text}. ${title}`} onClick={act}>
        {text}
      </button>
    );
  }
}
