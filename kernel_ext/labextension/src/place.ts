/** Where the extension's views stand in JupyterLab: beside the notebook, together. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';

const PREFIX = 'millstream-';

/** Show the view with this id, made first where there is none: behind the others of ours, else below what is open. */
export function openBeside(shell: JupyterFrontEnd.IShell, id: string, make: () => Widget): void {
  const open = [...shell.widgets('main')];
  if (!open.some(widget => widget.id === id)) {
    const sibling = open.find(widget => widget.id.startsWith(PREFIX));
    const place = sibling ? ({ ref: sibling.id, mode: 'tab-after' } as const) : ({ mode: 'split-bottom' } as const);
    shell.add(make(), 'main', place);
  }
  shell.activateById(id);
}
