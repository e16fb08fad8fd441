/** The side bar: deployments and runners, halts, and what the person may do about them. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import * as React from 'react';

import { CommandIDs, Context } from './context';
import { DeploymentCard } from './deployment';
import { millstreamIcon } from './icons';
import { signed, tone } from './model/format';
import { Group, groups, may, SIGNED_OUT, State } from './model/status';
import { Halt, Problem } from './model/types';
import { ProblemNotice } from './notice';
import { haltWord, roleWord, scopeWord, targetWord } from './words';

export class Panel extends ReactWidget {
  constructor(private readonly context: () => Context) {
    super();
    this.id = 'millstream-panel';
    this.addClass('ms-Panel');
  }

  /** Called once the context exists. */
  decorate(): void {
    const { trans } = this.context();
    this.title.icon = millstreamIcon;
    this.title.caption = trans.__('Millstream: deployments and runners');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Millstream'));
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.context().status.refresh();
  }

  protected render(): JSX.Element {
    const context = this.context();
    return (
      <UseSignal signal={context.status.changed} initialArgs={context.status.state}>
        {(_, state) => <Content context={context} state={state ?? context.status.state} />}
      </UseSignal>
    );
  }
}

function Content(props: { context: Context; state: State }): JSX.Element {
  const { context, state } = props;
  const { trans } = context;
  return (
    <>
      <header className="ms-Panel-header">
        <h2>{trans.__('Millstream')}</h2>
        {state.me && (
          <span className="ms-who" title={trans.__('You are logged in as %1 with the role %2', state.me.user, roleWord(trans, state.me.role))}>
            {state.me.user} · {roleWord(trans, state.me.role)}
          </span>
        )}
      </header>
      {state.problem && <Lost context={context} problem={state.problem} />}
      <Halts context={context} state={state} />
      <Deployments context={context} state={state} />
    </>
  );
}

/** Why nothing is read now; who is logged out is shown the way in. */
function Lost(props: { context: Context; problem: Problem }): JSX.Element {
  const { context, problem } = props;
  const { trans, api } = context;
  if (problem.code !== SIGNED_OUT) {
    return <ProblemNotice problem={problem} title={trans.__('Not connected to Millstream')} />;
  }
  return (
    <div className="ms-Notice ms-mod-error" role="alert">
      <strong>{trans.__('You are not logged in')}</strong>
      <p>{trans.__('What is shown is from before. Save your work first: the page is loaded again.')}</p>
      <a className="ms-Link" href={api.loginUrl}>
        {trans.__('Log in')}
      </a>
    </div>
  );
}

function Halts(props: { context: Context; state: State }): JSX.Element | null {
  const { context, state } = props;
  const { trans } = context;
  if (!state.halts || state.halts.length === 0) {
    return null;
  }
  return (
    <section className="ms-Halts" aria-label={trans.__('Halts')}>
      {state.halts.map(halt => (
        <HaltNotice key={`${halt.scope} ${halt.scope_id}`} halt={halt} context={context} allowed={may(state, 'halt')} />
      ))}
    </section>
  );
}

function HaltNotice(props: { halt: Halt; context: Context; allowed: boolean }): JSX.Element {
  const { halt, context, allowed } = props;
  const { trans } = context;
  const { scope, scope_id } = halt;
  const name = scopeWord(trans, scope, scope_id);
  return (
    <div className="ms-Notice ms-mod-halt">
      <strong>
        {name}: {haltWord(trans, halt.state)}
      </strong>
      <p>{trans.__('%1, by %2', halt.reason, halt.actor)}</p>
      {allowed && (
        <button
          className="jp-mod-styled jp-mod-minimal ms-Button"
          aria-label={trans.__('Resume %1', name)}
          onClick={() => void context.app.commands.execute(CommandIDs.resume, { scope, scope_id })}
        >
          {trans.__('Resume…')}
        </button>
      )}
    </div>
  );
}

function Deployments(props: { context: Context; state: State }): JSX.Element {
  const { context, state } = props;
  const { trans } = context;
  if (state.deployments === null) {
    return state.problem ? <></> : <p className="ms-quiet">{trans.__('Reading deployments…')}</p>;
  }
  if (state.deployments.length === 0) {
    return <Empty context={context} state={state} />;
  }
  return (
    <div className={state.connected ? '' : 'ms-mod-old'}>
      {groups(state.deployments).map(group => (
        <GroupView key={group.target} group={group} context={context} state={state} />
      ))}
    </div>
  );
}

function Empty(props: { context: Context; state: State }): JSX.Element {
  const { context, state } = props;
  const { trans } = context;
  return (
    <div className="ms-Empty">
      <p>{trans.__('No deployments yet.')}</p>
      {may(state, 'promote') ? (
        <>
          <p>
            {trans.__(
              'Open a strategy notebook and press Promote on its toolbar. It is backtested, registered and then trades on paper.'
            )}
          </p>
          <button
            className="jp-mod-styled jp-mod-minimal ms-Button"
            onClick={() => void context.app.commands.execute(CommandIDs.template, { template: 'vectorised' })}
          >
            {trans.__('New strategy from a template')}
          </button>
        </>
      ) : (
        <p>{trans.__('Somebody with the role researcher or admin promotes a strategy notebook; it then appears here.')}</p>
      )}
    </div>
  );
}

function GroupView(props: { group: Group; context: Context; state: State }): JSX.Element {
  const { group, context, state } = props;
  const { trans } = context;
  const name = targetWord(trans, group.target);
  return (
    <section className="ms-Group" aria-label={name}>
      <h3>
        <span className={`ms-Target ms-mod-${group.target}`}>{name}</span>
        <span className="ms-quiet">{trans.__('%1 of %2 running', group.running, group.deployments.length)}</span>
        <span className="ms-Profits">
          {group.profits.map(([currency, value]) => (
            <span key={currency} className={`ms-Profit ms-mod-${tone(value)}`}>
              {signed(value, currency, context.locale)}
            </span>
          ))}
        </span>
      </h3>
      <ul>
        {group.deployments.map(one => (
          <DeploymentCard key={one.deployment} one={one} context={context} state={state} />
        ))}
      </ul>
    </section>
  );
}
