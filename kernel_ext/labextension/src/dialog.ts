/** A dialog that stays open, with all that was typed, until its command was accepted. */

import { Dialog } from '@jupyterlab/apputils';

/** `submit` answers whether the dialog is done; where it is not, it has said why in the body. */
export class SubmitDialog<Value> extends Dialog<Value> {
  private busy = false;

  constructor(
    private readonly given: Partial<Dialog.IOptions<Value>>,
    private readonly submit: () => Promise<boolean>
  ) {
    super(given);
  }

  resolve(index?: number): void {
    const { buttons = [], defaultButton = buttons.length - 1 } = this.given;
    const button = buttons[index ?? defaultButton];
    if (!button?.accept) {
      super.resolve(index);
      return;
    }
    if (!this.busy) {
      void this.trySubmit(index);
    }
  }

  private async trySubmit(index?: number): Promise<void> {
    this.setBusy(true);
    try {
      if (await this.submit()) {
        super.resolve(index);
      }
    } finally {
      this.setBusy(false);
    }
  }

  private setBusy(busy: boolean): void {
    this.busy = busy;
    this.node.setAttribute('aria-busy', String(busy));
    this.node.classList.toggle('ms-mod-busy', busy);
  }
}
