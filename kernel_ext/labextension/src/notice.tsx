/** A problem with what to do about it. */

import * as React from 'react';

import { join } from './model/faults';
import { Problem } from './model/types';

export function ProblemNotice(props: { problem: Problem; title?: string }): JSX.Element {
  const { problem, title } = props;
  return (
    <div className="ms-Notice ms-mod-error" role="alert">
      <strong>{title ?? problem.title}</strong>
      <p>{join(title ? problem.title : '', problem.detail)}</p>
      {problem.hint && <p className="ms-hint">{problem.hint}</p>}
    </div>
  );
}
