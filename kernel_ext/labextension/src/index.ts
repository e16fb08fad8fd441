/** Millstream in JupyterLab. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { addPromotion, addScreens, addTrading, addViews, followPermissions } from './commands';
import { CommandIDs, Context } from './context';
import { Place } from './launch';
import { localeOf } from './model/format';
import { Panel } from './panel';
import { Status } from './status';
import { TradingState } from './statusbar';

const PLUGIN = '@millstream/lab:plugin';
const DOMAIN = 'millstream';

interface Preferences {
  interval: number;
  place: Place;
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Deployments and runners in the side bar, promotion, logs, halts, and cards of the other screens.',
  autoStart: true,
  requires: [INotebookTracker, ISettingRegistry],
  optional: [ITranslator, ICommandPalette, ILauncher, ILayoutRestorer, IStatusBar],
  activate
};

export default plugin;

async function activate(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  registry: ISettingRegistry,
  translator: ITranslator | null,
  palette: ICommandPalette | null,
  launcher: ILauncher | null,
  restorer: ILayoutRestorer | null,
  statusBar: IStatusBar | null
): Promise<void> {
  const language = translator ?? nullTranslator;
  const trans = language.load(DOMAIN);
  const locale = localeOf(language.languageCode);
  const preferences: Preferences = { interval: 2000, place: 'browser' };
  const api = new Api(app.serviceManager.serverSettings, trans);
  const panel: Panel = new Panel(() => context);
  const status = new Status(api, trans, () => panel.isVisible, preferences.interval);
  const context: Context = { app, api, status, trans, locale };

  addViews(context, panel);
  addScreens(context, () => preferences.place);
  addTrading(context);
  addPromotion(context, notebooks);
  followPermissions(context);
  addToPalette(context, palette);
  addToLauncher(context, launcher);
  statusBar?.registerStatusItem(`${PLUGIN}-trading`, { item: new TradingState(context), align: 'left', rank: 1 });
  panel.decorate();
  app.shell.add(panel, 'left', { rank: 350, type: 'Millstream' });
  restorer?.add(panel, panel.id);
  await follow(registry, preferences, status);
}

function addToPalette(context: Context, palette: ICommandPalette | null): void {
  const category = context.trans.__('Millstream');
  for (const command of Object.values(CommandIDs)) {
    if (command !== CommandIDs.template) {
      palette?.addItem({ command, category, args: { isPalette: true } });
    }
  }
  for (const template of ['vectorised', 'events']) {
    palette?.addItem({ command: CommandIDs.template, category, args: { template, isPalette: true } });
  }
}

function addToLauncher(context: Context, launcher: ILauncher | null): void {
  const category = context.trans.__('Millstream');
  launcher?.add({ command: CommandIDs.monitor, category, rank: 1 });
  launcher?.add({ command: CommandIDs.trader, category, rank: 2 });
  launcher?.add({ command: CommandIDs.template, category, rank: 3, args: { template: 'vectorised' } });
  launcher?.add({ command: CommandIDs.template, category, rank: 4, args: { template: 'events' } });
}

async function follow(registry: ISettingRegistry, preferences: Preferences, status: Status): Promise<void> {
  const settings = await registry.load(PLUGIN);
  const read = () => {
    preferences.interval = Number(settings.get('interval').composite) * 1000;
    preferences.place = settings.get('screens').composite as Place;
    status.setInterval(preferences.interval);
  };
  settings.changed.connect(read);
  read();
}
