/** The form of a promotion: target, capital, name, limits, and the parameters that the notebook declares. */

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Context } from './context';
import { CheckField, ChoiceField, FocusFault, TextField } from './fields';
import { check, Draft, fieldNames, Promotion } from './model/draft';
import { place } from './model/faults';
import { kindOf, textOf } from './model/parameters';
import { may } from './model/status';
import { Inspection, Parameter, Problem } from './model/types';
import { ProblemNotice } from './notice';
import { expectedWord, kindWord, targetWord } from './words';

export class PromoteForm extends ReactWidget {
  private faults: Record<string, string> = {};
  private problem: Problem | null = null;
  private round = 0;

  constructor(
    private readonly context: Context,
    private readonly inspection: Inspection,
    readonly draft: Draft
  ) {
    super();
    this.addClass('ms-Form');
  }

  /** The request, or null where a field is at fault; the fault then stands beside it. */
  read(): Promotion | null {
    const { trans } = this.context;
    this.problem = null;
    const read = check(this.inspection, this.draft);
    if ('promotion' in read) {
      this.faults = {};
      this.update();
      return read.promotion;
    }
    const texts: Record<string, string> = {
      capital: trans.__('Capital is a number above zero, such as 100000.'),
      limits: trans.__('Limits are a JSON object, such as {"max_order_notional": 5000}.')
    };
    this.faults = Object.fromEntries(
      Object.entries(read.faults).map(([name, fault]) => [
        name,
        fault === 'capital' || fault === 'limits' ? texts[fault] : expectedWord(trans, fault)
      ])
    );
    this.showFaults();
    return null;
  }

  /** What the gateway refused: beside the fields where it says which. */
  refuse(problem: Problem): void {
    const { fields, general } = place(problem, fieldNames(this.inspection));
    this.faults = fields;
    this.problem = general ? { ...problem, detail: general, hint: '' } : null;
    this.showFaults();
  }

  protected render(): JSX.Element {
    const { trans } = this.context;
    const { parameters, warnings, notebook } = this.inspection;
    return (
      <>
        <p className="ms-quiet">{notebook}</p>
        {this.problem && <ProblemNotice problem={this.problem} />}
        {warnings.map(warning => (
          <div key={warning} className="ms-Notice ms-mod-warn">
            {warning}
          </div>
        ))}
        {this.renderDeployment()}
        <fieldset>
          <legend>{trans.__('Parameters')}</legend>
          {parameters.length === 0 && <p className="ms-quiet">{trans.__('The notebook declares none.')}</p>}
          {parameters.map(one => this.renderParameter(one))}
        </fieldset>
        <FocusFault round={this.round} form={this.node} />
      </>
    );
  }

  private renderDeployment(): JSX.Element {
    const { trans } = this.context;
    const { draft, faults } = this;
    const live = may(this.context.status.state, 'live');
    return (
      <fieldset>
        <legend>{trans.__('Deployment')}</legend>
        <ChoiceField
          id="target"
          label={trans.__('Target')}
          help={live ? undefined : trans.__('Live trading needs the permission “live” (an admin with a second factor).')}
          fault={faults.target}
          value={draft.target}
          onChange={value => this.set({ target: value as Draft['target'] })}
          options={[
            { value: 'paper', label: targetWord(trans, 'paper') },
            { value: 'live', label: targetWord(trans, 'live'), disabled: !live }
          ]}
        />
        <TextField
          id="capital"
          label={trans.__('Capital')}
          help={trans.__('In the currency of its instruments.')}
          fault={faults.capital}
          value={draft.capital}
          onChange={capital => this.set({ capital })}
        />
        <TextField
          id="name"
          label={trans.__('Name')}
          placeholder={this.inspection.name}
          help={trans.__('Of the deployment; left empty, one is made from the notebook’s name.')}
          fault={faults.name}
          value={draft.name}
          onChange={name => this.set({ name })}
        />
        <TextField
          id="limits"
          label={trans.__('Limits')}
          placeholder='{"max_order_notional": 5000}'
          help={trans.__('Optional, a JSON object; the others are the platform’s defaults.')}
          fault={faults.limits}
          value={draft.limits}
          lines={2}
          onChange={limits => this.set({ limits })}
        />
      </fieldset>
    );
  }

  private renderParameter(one: Parameter): JSX.Element {
    const { trans } = this.context;
    const kind = kindOf(one);
    const id = `parameters.${one.name}`;
    const value = this.draft.parameters[one.name] ?? '';
    const set = (text: string) => this.set({ parameters: { ...this.draft.parameters, [one.name]: text } });
    const common = { id, label: one.name, fault: this.faults[id] };
    if (kind === 'bool') {
      return <CheckField key={id} {...common} value={value === 'true'} onChange={checked => set(String(checked))} />;
    }
    return (
      <TextField
        key={id}
        {...common}
        help={trans.__('%1, default %2', kindWord(trans, kind), textOf(one.default) || '–')}
        value={value}
        onChange={set}
      />
    );
  }

  private set(change: Partial<Draft>): void {
    Object.assign(this.draft, change);
    this.update();
  }

  private showFaults(): void {
    this.round += 1;
    this.update();
  }
}
