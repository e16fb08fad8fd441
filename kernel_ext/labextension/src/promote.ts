/** Promotion of the open notebook: save, inspect, ask, promote, follow. */

import { Dialog, MainAreaWidget, Notification, showErrorMessage } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';

import { problemOf } from './api';
import { Context } from './context';
import { SubmitDialog } from './dialog';
import { promoteIcon } from './icons';
import { Draft, draftOf } from './model/draft';
import { join } from './model/faults';
import { Inspection, Operation, Problem } from './model/types';
import { openBeside } from './place';
import { Progress } from './progress';
import { PromoteForm } from './promoteform';

const NOTICE_MS = 8000;

export class Promoter {
  /** What was typed for each notebook, kept until its promotion succeeded. */
  private readonly drafts = new Map<string, Draft>();

  constructor(private readonly context: Context) {}

  async promote(panel: NotebookPanel): Promise<void> {
    const path = await this.save(panel);
    if (path !== null) {
      await this.ask(path);
    }
  }

  private async save(panel: NotebookPanel): Promise<string | null> {
    const { trans, app } = this.context;
    await panel.context.ready;
    if (panel.context.model.dirty) {
      try {
        await panel.context.save();
      } catch (error) {
        await showErrorMessage(trans.__('The notebook could not be saved'), problemOf(error, trans).detail);
        return null;
      }
    }
    return app.serviceManager.contents.localPath(panel.context.path);
  }

  private async ask(path: string, problem?: Problem): Promise<void> {
    const { trans, api } = this.context;
    let inspection: Inspection;
    try {
      inspection = await api.get<Inspection>(`notebooks?path=${encodeURIComponent(path)}`);
    } catch (error) {
      const { title, detail, hint } = problemOf(error, trans);
      await showErrorMessage(trans.__('This notebook cannot be promoted yet'), join(detail || title, hint));
      return;
    }
    // The gateway may know the notebook by another path: the one that was asked for is the one that is promoted.
    inspection = { ...inspection, notebook: path };
    const draft = draftOf(inspection, this.drafts.get(path));
    this.drafts.set(path, draft);
    const operation = await this.launch(inspection, draft, problem);
    if (operation) {
      this.follow(path, inspection.name, operation);
    }
  }

  private async launch(inspection: Inspection, draft: Draft, problem?: Problem): Promise<Operation | null> {
    const { trans, api } = this.context;
    const body = new PromoteForm(this.context, inspection, draft);
    if (problem) {
      body.refuse(problem);
    }
    let operation: Operation | null = null;
    const dialog = new SubmitDialog<void>(
      {
        title: trans.__('Promote %1', inspection.name),
        body,
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Promote') })],
        focusNodeSelector: '#ms-field-target'
      },
      async () => {
        const promotion = body.read();
        if (promotion === null) {
          return false;
        }
        try {
          operation = await api.command<Operation>('promotions', promotion);
          return true;
        } catch (error) {
          body.refuse(problemOf(error, trans));
          return false;
        }
      }
    );
    await dialog.launch();
    return operation;
  }

  private follow(path: string, name: string, operation: Operation): void {
    const { trans, app } = this.context;
    const content = new Progress(this.context, operation, {
      done: () => this.drafts.delete(path),
      again: problem => {
        widget.dispose();
        void this.ask(path, problem);
      }
    });
    const widget = new MainAreaWidget({ content });
    widget.id = `millstream-promotion-${operation.operation_id}`;
    widget.title.label = trans.__('Promotion of %1', name);
    widget.title.icon = promoteIcon;
    widget.title.closable = true;
    openBeside(app.shell, widget.id, () => widget);
    content.finished.connect((_, ended) => {
      if (!widget.isVisible && ended.state === 'done') {
        Notification.success(trans.__('%1 is promoted.', name), { autoClose: NOTICE_MS });
      } else if (!widget.isVisible) {
        Notification.error(trans.__('%1 was not promoted.', name), { autoClose: NOTICE_MS });
      }
    });
  }
}
