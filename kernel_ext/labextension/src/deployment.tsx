/** One deployment with its runner in the side bar. */

import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs, Context } from './context';
import { logIcon, notebookRunIcon, pauseIcon, resumeIcon, startIcon, stopIcon } from './icons';
import { age, ageSeconds, profit, signed, silent, tone } from './model/format';
import { Action, actions, lastRun, State } from './model/status';
import { Deployment } from './model/types';
import { haltWord, stateWord, targetWord } from './words';

const ICONS: Record<Action, [LabIcon, string]> = {
  start: [startIcon, CommandIDs.start],
  stop: [stopIcon, CommandIDs.stop],
  pause: [pauseIcon, CommandIDs.pause],
  unpause: [resumeIcon, CommandIDs.unpause]
};

interface Props {
  one: Deployment;
  context: Context;
  state: State;
}

export function DeploymentCard(props: Props): JSX.Element {
  const { one, context } = props;
  const { trans } = context;
  const value = profit(one);
  return (
    <li className="ms-Deployment" data-deployment={one.deployment} tabIndex={-1}>
      <div className="ms-Deployment-line">
        <span className="ms-Deployment-name" title={`${one.deployment} · ${one.release}`}>
          {one.deployment}
        </span>
        <span className={`ms-Profit ms-mod-${tone(value)}`} title={trans.__('Realised and unrealised P&L after fees')}>
          {signed(value, one.currency, context.locale)}
        </span>
      </div>
      <div className="ms-Deployment-line ms-quiet">
        <span>
          {one.release} · {one.instruments.join(', ')} · {one.timeframe}
        </span>
        <span className={`ms-Target ms-mod-${one.target}`}>{targetWord(trans, one.target)}</span>
      </div>
      <States {...props} />
      {one.message && <p className="ms-message">{one.message}</p>}
      <Buttons {...props} />
    </li>
  );
}

function States(props: Props): JSX.Element {
  const { one, context, state } = props;
  const { trans } = context;
  const now = context.status.now();
  const runner = state.runners.find(other => other.deployment === one.deployment);
  const beat = age(ageSeconds(one.heartbeat_at, now), context.locale);
  const late = silent(one, now);
  const title = runner
    ? trans._n(
        'Process %2 on %3, run %4, %1 restart',
        'Process %2 on %3, run %4, %1 restarts',
        runner.restarts,
        runner.pid,
        runner.host,
        runner.epoch
      )
    : trans.__('No runner');
  return (
    <div className="ms-Deployment-line">
      <span>
        <span className={`ms-State ms-mod-${one.state}`}>{stateWord(trans, one.state)}</span>
        {one.halt !== 'active' && <span className="ms-State ms-mod-halt">{haltWord(trans, one.halt)}</span>}
      </span>
      <span className={late ? 'ms-late' : 'ms-quiet'} title={title}>
        {late ? trans.__('silent for %1', beat) : trans.__('heartbeat %1', beat)}
      </span>
    </div>
  );
}

function Buttons(props: Props): JSX.Element {
  const { one, context, state } = props;
  const { trans } = context;
  const labels: Record<Action, string> = {
    start: trans.__('Start %1', one.deployment),
    stop: trans.__('Stop %1', one.deployment),
    pause: trans.__('Pause %1: it may only reduce its positions', one.deployment),
    unpause: trans.__('Resume %1', one.deployment)
  };
  const run = lastRun(state, one.deployment);
  const execute = (id: string, more = {}) =>
    void context.app.commands.execute(id, { deployment: one.deployment, ...more });
  return (
    <div className="ms-Buttons" role="group" aria-label={trans.__('Actions for %1', one.deployment)}>
      {actions(state, one).map(action => {
        const [icon, id] = ICONS[action];
        return <IconButton key={action} icon={icon} label={labels[action]} onClick={() => execute(id)} />;
      })}
      <IconButton
        icon={logIcon}
        label={trans.__('Log of %1', one.deployment)}
        onClick={() => execute(CommandIDs.log)}
      />
      {run !== null && (
        <IconButton
          icon={notebookRunIcon}
          label={trans.__('Executed notebook of %1', one.deployment)}
          onClick={() => execute(CommandIDs.executed, { epoch: run })}
        />
      )}
    </div>
  );
}

function IconButton(props: { icon: LabIcon; label: string; onClick: () => void }): JSX.Element {
  const { icon, label, onClick } = props;
  return (
    <button type="button" className="ms-IconButton" title={label} aria-label={label} onClick={onClick}>
      <icon.react tag="span" width="16px" />
    </button>
  );
}
