/** The launcher's cards: the other screens, and new strategies from templates. */

import { IFrame, MainAreaWidget, showErrorMessage } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { TranslationBundle } from '@jupyterlab/translation';
import { JSONObject } from '@lumino/coreutils';

import { problemOf } from './api';
import { Context } from './context';
import { chartIcon, traderIcon } from './icons';
import { join } from './model/faults';
import { free } from './model/text';
import events from './templates/events.json';
import vectorised from './templates/vectorised.json';

export type Screen = 'monitor' | 'trader';
export type Place = 'browser' | 'lab';
export type Template = 'vectorised' | 'events';

const TEMPLATES: Record<Template, { name: string; content: JSONObject }> = {
  vectorised: { name: 'momentum', content: vectorised as JSONObject },
  events: { name: 'breakout', content: events as JSONObject }
};

/** Open a screen in a tab of the browser, or inside JupyterLab. */
export async function openScreen(context: Context, screen: Screen, label: string, place: Place): Promise<void> {
  const { trans, api } = context;
  // A browser lets a click open a tab, not the answer to a request that followed it: the tab comes first.
  const tab = place === 'browser' ? window.open('', '_blank') : null;
  try {
    const url = addressOf((await api.screens())[screen], trans);
    if (tab) {
      tab.opener = null;
      tab.location.replace(url);
    } else {
      openFrame(context, screen, label, url);
    }
  } catch (error) {
    tab?.close();
    const { title, detail, hint } = problemOf(error, trans);
    await showErrorMessage(trans.__('%1 cannot be opened', label), join(detail || title, hint));
  }
}

/** Only an address of the web is opened, whatever the server answered. */
function addressOf(text: string, trans: TranslationBundle): string {
  if (text === '') {
    throw new Error(trans.__('It does not run: `millstream up` starts it.'));
  }
  const url = new URL(text, window.location.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(trans.__('This is no address of a screen: %1', text));
  }
  return url.href;
}

function openFrame(context: Context, screen: Screen, label: string, url: string): void {
  const { shell } = context.app;
  const id = `millstream-${screen}`;
  if (![...shell.widgets('main')].some(widget => widget.id === id)) {
    const content = new IFrame({
      sandbox: ['allow-scripts', 'allow-same-origin', 'allow-forms', 'allow-downloads', 'allow-popups'],
      referrerPolicy: 'origin'
    });
    content.url = url;
    const widget = new MainAreaWidget({ content });
    widget.id = id;
    widget.title.label = label;
    widget.title.icon = screen === 'monitor' ? chartIcon : traderIcon;
    widget.title.closable = true;
    shell.add(widget, 'main');
  }
  shell.activateById(id);
}

/** Write a new notebook from a template into the folder `cwd` and open it. */
export async function newStrategy(context: Context, template: Template, cwd: string): Promise<void> {
  const { trans, app } = context;
  const { contents } = app.serviceManager;
  const { name, content } = TEMPLATES[template];
  try {
    const folder = await contents.get(cwd, { content: true, type: 'directory' });
    const taken = new Set<string>((folder.content as { name: string }[]).map(one => one.name));
    const path = PathExt.join(cwd, free(name, taken));
    await contents.save(path, { type: 'notebook', format: 'json', content });
    await app.commands.execute('docmanager:open', { path, factory: 'Notebook', kernelPreference: { autoStartDefault: true } });
  } catch (error) {
    await showErrorMessage(trans.__('The notebook could not be made'), problemOf(error, trans).detail);
  }
}
