/** Halting and resuming, behind a dialog with confirmation. */

import { Dialog, Notification } from '@jupyterlab/apputils';

import { problemOf } from './api';
import { Context } from './context';
import { SubmitDialog } from './dialog';
import { HaltForm } from './haltform';
import { sameScope } from './model/status';
import { Halt, Scope } from './model/types';
import { scopeWord } from './words';

const NOTICE_MS = 8000;
const EVERYTHING: Scope = { scope: 'global', scope_id: '' };

interface HaltResult {
  sealed: boolean;
  working: string[];
}

export async function halt(context: Context, scope: Scope = EVERYTHING): Promise<void> {
  const { trans } = context;
  const form = new HaltForm(context, null, scope);
  const result = await ask<HaltResult>(context, form, {
    title: trans.__('Halt trading'),
    button: Dialog.warnButton({ label: trans.__('Halt') }),
    path: 'halts'
  });
  if (result) {
    const working = result.answer.working.length;
    const done = trans.__('%1 is halted.', scopeWord(trans, result.scope.scope, result.scope.scope_id));
    const canceling = working > 0
        ? trans._n('%1 working order is being canceled.', '%1 working orders are being canceled.', working)
        : '';
    Notification.warning(`${done} ${canceling}`.trim(), { autoClose: NOTICE_MS });
  }
}

export async function resume(context: Context, scope?: Scope): Promise<void> {
  const { trans, status } = context;
  const halts = status.state.halts ?? [];
  const chosen = (scope && halts.find(one => sameScope(one, scope))) ?? halts[0];
  if (!chosen) {
    Notification.info(trans.__('Nothing is halted.'), { autoClose: NOTICE_MS });
    return;
  }
  const form = new HaltForm(context, halts, chosen);
  const result = await ask<Halt>(context, form, {
    title: trans.__('Resume trading'),
    button: Dialog.okButton({ label: trans.__('Resume') }),
    path: 'halts/resume'
  });
  if (result) {
    Notification.success(trans.__('%1 trades again.', scopeWord(trans, result.scope.scope, result.scope.scope_id)), {
      autoClose: NOTICE_MS
    });
  }
}

interface Question {
  title: string;
  button: Dialog.IButton;
  path: string;
}

async function ask<Answer>(
  context: Context,
  form: HaltForm,
  question: Question
): Promise<{ scope: Scope; answer: Answer } | null> {
  let result: { scope: Scope; answer: Answer } | null = null;
  const dialog = new SubmitDialog<void>(
    { title: question.title, body: form, buttons: [Dialog.cancelButton(), question.button] },
    async () => {
      const request = form.read();
      if (request === null) {
        return false;
      }
      try {
        result = { scope: request, answer: await context.api.command<Answer>(question.path, request) };
        return true;
      } catch (error) {
        form.refuse(problemOf(error, context.trans));
        return false;
      }
    }
  );
  await dialog.launch();
  if (result) {
    await context.status.refresh();
  }
  return result;
}
