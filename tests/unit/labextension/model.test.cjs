// Run by test_model.py: MODEL is the folder of the compiled modules.
const assert = require('node:assert/strict');
const { join } = require('node:path');
const { test } = require('node:test');

const load = name => require(join(process.env.MODEL, name));
const format = load('format.js');
const parameters = load('parameters.js');
const faults = load('faults.js');
const status = load('status.js');
const draft = load('draft.js');
const text = load('text.js');

const NOW = Date.parse('2026-01-05T12:00:00Z');
const deployment = given => ({
  deployment: 'd', release: 'd@1', target: 'paper', portfolio: 'p', instruments: ['SAMPLE:AAPL'], desired_state: 'running',
  state: 'running', halt: 'active', heartbeat_at: '2026-01-05T11:59:58Z', currency: 'USD', realized_pnl: '10',
  unrealized_pnl: '-4', fees: '1', ...given
});
const state = given => ({
  ...status.INITIAL, me: { permissions: ['read', 'deploy', 'halt'] }, halts: [], deployments: [], connected: true, ...given
});

test('profit is realised and unrealised, after fees', () => {
  assert.equal(format.profit(deployment()), 5);
});

test('money always has its sign, and a minus of its own', () => {
  assert.equal(format.signed(1234.5, 'USD', 'en'), '+1,234.50 USD');
  assert.equal(format.signed(-0.5, 'EUR', 'en'), '−0.50 EUR');
  assert.equal(format.signed(0, 'USD', 'en'), '0.00 USD');
  assert.equal(format.signed(NaN, 'USD', 'en'), '–');
});

test('numbers are written as the language of JupyterLab writes them', () => {
  assert.equal(format.signed(1234.5, 'USD', 'de'), '+1.234,50 USD');
  assert.deepEqual(['zh_CN', 'de-DE', 'default', ''].map(format.localeOf), ['zh-CN', 'de-DE', 'default', 'en']);
});

test('what is shown as zero is neither gain nor loss', () => {
  assert.deepEqual([0.004, -0.004, 0.01, -3, NaN].map(format.tone), ['even', 'even', 'gain', 'loss', 'even']);
});

test('age is in the largest whole unit', () => {
  const ages = locale => [0, 59.9, 60, 7199, 90000, null].map(seconds => format.age(seconds, locale));
  assert.deepEqual(ages('en'), ['0 sec', '59 sec', '1 min', '1 hr', '1 day', '–']);
  assert.deepEqual(ages('de')[2], '1 Min.');
});

test('a time ahead of the clock is no negative age', () => {
  assert.equal(format.ageSeconds('2026-01-05T12:00:09Z', NOW), 0);
});

test('only a running deployment can be silent', () => {
  const heartbeat_at = '2026-01-05T11:59:00Z';
  assert.equal(format.silent(deployment({ heartbeat_at }), NOW), true);
  assert.equal(format.silent(deployment({ heartbeat_at: null }), NOW), true);
  assert.equal(format.silent(deployment({ heartbeat_at, state: 'stopped' }), NOW), false);
  assert.equal(format.silent(deployment(), NOW), false);
});

test('a text becomes a value of the kind that the parameter takes', () => {
  const read = (kind, given, preset = 1) => parameters.parse({ name: 'x', kind, default: preset }, given);
  assert.deepEqual(read('int', ' 20 '), { value: 20 });
  assert.deepEqual(read('int', '2.5'), { expected: 'int' });
  assert.deepEqual(read('float', '2.5'), { value: 2.5 });
  assert.deepEqual(read('float', ''), { expected: 'float' });
  assert.deepEqual(read('float', 'NaN'), { expected: 'float' });
  assert.deepEqual(read('bool', 'true'), { value: true });
  assert.deepEqual(read('bool', 'yes'), { expected: 'bool' });
  assert.deepEqual(read('str', '20'), { value: '20' });
  assert.deepEqual(read('list', 'AAPL, IBM'), { value: ['AAPL', 'IBM'] });
  assert.deepEqual(read('list', '[1, 2]'), { value: [1, 2] });
  assert.deepEqual(read('list', '[1,'), { expected: 'list' });
  assert.deepEqual(read('any', '{"a": 1}'), { expected: 'any' });
  assert.deepEqual(read('float', '', null), { value: null });
});

test('a kind that is not known follows the default', () => {
  const kind = preset => parameters.kindOf({ name: 'x', kind: 'complex', default: preset });
  assert.deepEqual([true, 'a', [1], 3, null].map(kind), ['bool', 'str', 'list', 'any', 'any']);
});

test('limits are a JSON object or nothing', () => {
  assert.deepEqual(parameters.limitsOf(' '), {});
  assert.deepEqual(parameters.limitsOf('{"a": 1}'), { a: 1 });
  assert.deepEqual(['[1]', '5', '{', 'null'].map(parameters.limitsOf), [null, null, null, null]);
});

test('capital is a plain positive number', () => {
  assert.deepEqual(['1', '0.01', '0', '-1', '1e9', ''].map(parameters.positive), [true, true, false, false, false, false]);
});

const INSPECTION = {
  notebook: 'a.ipynb', name: 'a', warnings: [],
  parameters: [{ name: 'fast', kind: 'int', default: 20 }, { name: 'symbol', kind: 'str', default: 'AAPL' }]
};

test('a draft keeps what was typed and drops what is no longer declared', () => {
  const before = { ...draft.draftOf(INSPECTION), capital: '7', parameters: { fast: '9', gone: '1' } };
  const now = draft.draftOf(INSPECTION, before);
  assert.equal(now.capital, '7');
  assert.deepEqual(now.parameters, { fast: '9', symbol: 'AAPL' });
});

test('a promotion gives only the parameters that differ', () => {
  const typed = { ...draft.draftOf(INSPECTION), parameters: { fast: '9', symbol: 'AAPL' } };
  assert.deepEqual(draft.check(INSPECTION, typed).promotion.parameters, { fast: 9 });
});

test('every field at fault is named at once', () => {
  const typed = { ...draft.draftOf(INSPECTION), capital: '0', limits: '[', parameters: { fast: 'x', symbol: '' } };
  assert.deepEqual(draft.check(INSPECTION, typed).faults, { 'parameters.fast': 'int', capital: 'capital', limits: 'limits' });
});

test('faults stand beside their fields, the rest above the form', () => {
  const problem = {
    title: 'Invalid input', detail: '2 faults', hint: 'Correct them.', status: 422, code: 'INVALID_INPUT',
    faults: [{ where: 'body.limits.x', message: 'unknown' }, { where: 'query.y', message: 'odd' }]
  };
  const placed = faults.place(problem, ['limits', 'capital']);
  assert.deepEqual(placed.fields, { limits: 'unknown.' });
  assert.equal(placed.general, '2 faults. Correct them. query.y: odd.');
});

test('a detail that names a parameter blames its field', () => {
  const problem = { title: 'x', detail: 'the parameter fast = 1 is odd', hint: 'Try 2.', status: 422, code: 'X', faults: [] };
  const placed = faults.place(problem, ['parameters.fast']);
  assert.deepEqual(placed, { fields: { 'parameters.fast': 'the parameter fast = 1 is odd. Try 2.' }, general: '' });
});

test('nothing is said twice', () => {
  assert.equal(faults.join('No answer', 'no answer.', '', undefined, 'Wait!'), 'No answer. Wait!');
});

test('news replace what they name and clear the problem', () => {
  const before = status.failed(state({ runners: [1] }), { status: 503 });
  assert.equal(before.connected, false);
  const after = status.received(before, { deployments: [deployment()] });
  assert.deepEqual([after.connected, after.problem, after.runners, after.deployments.length], [true, null, [1], 1]);
});

test('an ended login takes the permissions, an absent gateway does not', () => {
  assert.equal(status.failed(state(), { status: 401, code: status.SIGNED_OUT }).me, null);
  assert.notEqual(status.failed(state(), { status: 503 }).me, null);
});

test('actions fit the state and the permissions', () => {
  const paused = { scope: 'deployment', scope_id: 'd', state: 'reduce_only' };
  const stopped = deployment({ desired_state: 'stopped' });
  assert.deepEqual(status.actions(state(), deployment()), ['stop', 'pause']);
  assert.deepEqual(status.actions(state(), stopped), ['start']);
  assert.deepEqual(status.actions(state({ halts: [paused] }), deployment({ halt: 'reduce_only' })), ['stop', 'unpause']);
  assert.deepEqual(status.actions(state({ me: { permissions: ['halt'] } }), deployment()), ['pause']);
  assert.deepEqual(status.actions(state({ me: null }), deployment()), []);
});

test('paper and live, and currencies, are never added', () => {
  const all = [deployment(), deployment(), deployment({ currency: 'EUR' }), deployment({ target: 'live', state: 'failed' })];
  const found = status.groups(all).map(one => [one.target, one.running, one.profits]);
  assert.deepEqual(found, [['live', 0, [['USD', 5]]], ['paper', 3, [['EUR', 5], ['USD', 10]]]]);
});

test('the state of trading is that of the strictest scope', () => {
  const one = { scope: 'portfolio', scope_id: 'p', state: 'halted' };
  const all = { scope: 'global', scope_id: '', state: 'halted' };
  assert.deepEqual([null, [], [one], [one, all]].map(status.trading), ['unknown', 'active', 'partly', 'halted']);
});

test('a log keeps its last lines', () => {
  assert.equal(text.appended('a\nb\n', 'c\n', 2), 'b\nc\n');
  assert.equal(text.appended('a\n', 'b', 5), 'a\nb');
  assert.equal(text.appended('', '', 2), '');
});

test('a new notebook takes no name that is taken', () => {
  assert.equal(text.free('m', new Set()), 'm.ipynb');
  assert.equal(text.free('m', new Set(['m.ipynb', 'm_2.ipynb'])), 'm_3.ipynb');
});
