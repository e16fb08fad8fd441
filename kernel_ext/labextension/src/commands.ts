/** The commands of the extension, for the palette, the keyboard, the launcher and the side bar. */

import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';

import { problemOf } from './api';
import { CommandIDs, Context } from './context';
import { executedWidget } from './executed';
import { halt, resume } from './halt';
import {
  chartIcon,
  logIcon,
  millstreamIcon,
  notebookRunIcon,
  pauseIcon,
  promoteIcon,
  resumeIcon,
  startIcon,
  stopIcon,
  strategyIcon,
  traderIcon
} from './icons';
import { newStrategy, openScreen, Place, Template } from './launch';
import { logWidget } from './log';
import { join } from './model/faults';
import { Action, actions, may } from './model/status';
import { Deployment, Page, Scope, ScopeKind } from './model/types';
import { openBeside } from './place';
import { Promoter } from './promote';

type Args = ReadonlyPartialJSONObject;

/** Commands whose look depends on what the person may do now. */
const PERMITTED: Record<string, string> = {
  [CommandIDs.promote]: 'promote',
  [CommandIDs.halt]: 'halt',
  [CommandIDs.resume]: 'halt',
  [CommandIDs.start]: 'deploy',
  [CommandIDs.stop]: 'deploy',
  [CommandIDs.pause]: 'halt',
  [CommandIDs.unpause]: 'halt'
};

/** A command that is not permitted is not shown; while nobody is known to be logged in, it is shown but cannot be given. */
function permitted(context: Context, id: string): { isVisible: () => boolean; isEnabled: () => boolean } {
  const permission = PERMITTED[id];
  return {
    isVisible: () => context.status.state.me === null || may(context.status.state, permission),
    isEnabled: () => may(context.status.state, permission)
  };
}

/** Let buttons and menus follow the permissions. */
export function followPermissions(context: Context): void {
  let before = '';
  context.status.changed.connect((_, state) => {
    const now = JSON.stringify(state.me?.permissions ?? null);
    if (now !== before) {
      before = now;
      Object.keys(PERMITTED).forEach(id => context.app.commands.notifyCommandChanged(id));
    }
  });
}

export function addScreens(context: Context, place: () => Place): void {
  const { trans, app } = context;
  const screens = [
    ['monitor', CommandIDs.monitor, trans.__('Monitor'), chartIcon, trans.__('Positions, orders, risk and reports')],
    ['trader', CommandIDs.trader, trans.__('Trader app'), traderIcon, trans.__('Blotter, tickets and positions')]
  ] as const;
  for (const [screen, id, label, icon, caption] of screens) {
    app.commands.addCommand(id, {
      label: args => (args.isPalette ? trans.__('Open the %1', label) : label),
      caption,
      icon,
      execute: () => openScreen(context, screen, label, place())
    });
  }
  app.commands.addCommand(CommandIDs.template, {
    label: args =>
      args.template === 'events' ? trans.__('Event-driven strategy') : trans.__('Vectorised strategy'),
    caption: trans.__('A new strategy notebook that can be promoted'),
    icon: strategyIcon,
    execute: args =>
      newStrategy(context, (args.template as Template | undefined) ?? 'vectorised', String(args.cwd ?? ''))
  });
}

export function addViews(context: Context, panel: Widget): void {
  const { trans, app } = context;
  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show deployments and runners'),
    icon: millstreamIcon,
    execute: async args => {
      app.shell.activateById(panel.id);
      if (typeof args.deployment === 'string') {
        await context.status.refresh();
        reveal(panel, args.deployment);
      }
    }
  });
  app.commands.addCommand(CommandIDs.log, {
    label: trans.__('Open the log of a deployment…'),
    icon: logIcon,
    execute: async args => {
      const deployment = await chosen(context, args, trans.__('Log of which deployment?'));
      if (deployment) {
        openBeside(app.shell, `millstream-log-${deployment}`, () => logWidget(context, deployment));
      }
    }
  });
  app.commands.addCommand(CommandIDs.executed, {
    label: trans.__('Open the executed notebook of a deployment…'),
    icon: notebookRunIcon,
    execute: async args => {
      const deployment = await chosen(context, args, trans.__('Executed notebook of which deployment?'));
      const epoch = typeof args.epoch === 'number' ? args.epoch : null;
      if (deployment) {
        openBeside(app.shell, `millstream-executed-${deployment}`, () => executedWidget(context, deployment, epoch));
      }
    }
  });
}

export function addTrading(context: Context): void {
  const { trans, app } = context;
  const labels: [Action, string, typeof startIcon, string][] = [
    ['start', CommandIDs.start, startIcon, trans.__('Start a deployment…')],
    ['stop', CommandIDs.stop, stopIcon, trans.__('Stop a deployment…')],
    ['pause', CommandIDs.pause, pauseIcon, trans.__('Pause a deployment…')],
    ['unpause', CommandIDs.unpause, resumeIcon, trans.__('Resume a deployment…')]
  ];
  for (const [action, id, icon, label] of labels) {
    app.commands.addCommand(id, {
      label,
      icon,
      ...permitted(context, id),
      execute: args => act(context, action, args, label)
    });
  }
  app.commands.addCommand(CommandIDs.halt, {
    label: trans.__('Halt trading…'),
    icon: stopIcon,
    ...permitted(context, CommandIDs.halt),
    execute: args => halt(context, scopeOf(args))
  });
  app.commands.addCommand(CommandIDs.resume, {
    label: trans.__('Resume trading…'),
    icon: resumeIcon,
    ...permitted(context, CommandIDs.resume),
    execute: args => resume(context, scopeOf(args))
  });
}

export function addPromotion(context: Context, tracker: INotebookTracker): void {
  const { trans, app } = context;
  const promoter = new Promoter(context);
  const { isVisible, isEnabled } = permitted(context, CommandIDs.promote);
  const current = (): NotebookPanel | null => tracker.currentWidget;
  app.commands.addCommand(CommandIDs.promote, {
    label: trans.__('Promote this notebook…'),
    caption: () =>
      context.status.state.me === null
        ? trans.__('Not connected to Millstream: see its side bar')
        : trans.__('Backtest, register and deploy this strategy notebook'),
    icon: promoteIcon,
    isVisible,
    isEnabled: () => isEnabled() && current() !== null,
    execute: async () => {
      const panel = current();
      if (panel) {
        await promoter.promote(panel);
      }
    }
  });
  tracker.currentChanged.connect(() => app.commands.notifyCommandChanged(CommandIDs.promote));
}

async function act(context: Context, action: Action, args: Args, question: string): Promise<void> {
  const { trans, status } = context;
  const deployment = await chosen(context, args, question, action);
  if (!deployment || (action === 'stop' && !(await confirmed(context, deployment)))) {
    return;
  }
  try {
    await context.api.command(`deployments/${encodeURIComponent(deployment)}/${action}`);
    await status.refresh();
  } catch (error) {
    const { title, detail, hint } = problemOf(error, trans);
    Notification.error(`${deployment}: ${join(detail || title, hint)}`, {
      autoClose: false,
      actions: [{ label: trans.__('Show'), callback: () => void context.app.commands.execute(CommandIDs.show) }]
    });
  }
}

async function confirmed(context: Context, deployment: string): Promise<boolean> {
  const { trans } = context;
  const { button } = await showDialog({
    title: trans.__('Stop %1?', deployment),
    body: trans.__('Its runner ends; its positions stay as they are. To refuse and cancel its orders, halt it.'),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Stop') })]
  });
  return button.accept;
}

/** The deployment that the arguments name, else the one that the person picks from those the action fits. */
async function chosen(context: Context, args: Args, title: string, action?: Action): Promise<string | null> {
  if (typeof args.deployment === 'string') {
    return args.deployment;
  }
  const { trans } = context;
  const { items } = await context.api.get<Page<Deployment>>('deployments?limit=1000');
  const fitting = items.filter(one => action === undefined || actions(context.status.state, one).includes(action));
  if (fitting.length === 0) {
    Notification.info(trans.__('There is no deployment for that now.'), { autoClose: 5000 });
    return null;
  }
  const picked = await InputDialog.getItem({ title, items: fitting.map(one => one.deployment) });
  return picked.button.accept ? picked.value : null;
}

function reveal(panel: Widget, deployment: string): void {
  const card = panel.node.querySelector<HTMLElement>(`[data-deployment="${CSS.escape(deployment)}"]`);
  card?.scrollIntoView({ block: 'nearest' });
  card?.focus();
}

function scopeOf(args: Args): Scope | undefined {
  const { scope, scope_id: id } = args;
  return typeof scope === 'string' ? { scope: scope as ScopeKind, scope_id: String(id ?? '') } : undefined;
}
