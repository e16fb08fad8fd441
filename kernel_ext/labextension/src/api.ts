/** Requests to the gateway, through the Jupyter server and as the person who is logged in there. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';

import { SIGNED_OUT } from './model/status';
import { Problem, Screens } from './model/types';

const ROOT = 'millstream';

/** An answer that is not what was asked for, as problem details. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

/** The problem in any error; what is no answer of a server is shown as it is. */
export function problemOf(error: unknown, trans: TranslationBundle): Problem {
  if (error instanceof ProblemError) {
    return error.problem;
  }
  if (error instanceof ServerConnection.NetworkError) {
    const title = trans.__('JupyterLab’s server does not answer');
    const hint = trans.__('Check that the server still runs (millstream up), then reload this page.');
    return { title, status: 0, detail: '', code: 'NETWORK', hint, faults: [] };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { title: trans.__('Something went wrong'), status: 0, detail, code: 'UNEXPECTED', hint: '', faults: [] };
}

export class Api {
  /** The server's clock minus this machine's, in milliseconds, at the last answer. */
  skew = 0;

  private readonly known = new Map<string, { tag: string; body: unknown }>();
  private unanswered: { fingerprint: string; key: string } | null = null;

  constructor(
    private readonly settings: ServerConnection.ISettings,
    private readonly trans: TranslationBundle
  ) {}

  /** Where a person logs in again, and comes back to this page from. */
  get loginUrl(): string {
    const { pathname, search } = window.location;
    return `${URLExt.join(this.settings.baseUrl, 'login')}?next=${encodeURIComponent(pathname + search)}`;
  }

  /** A list or thing that is polled: `undefined` where it is still as it was at the last call. */
  async poll<Body>(path: string): Promise<Body | undefined> {
    const before = this.known.get(path);
    const headers: Record<string, string> = before ? { 'If-None-Match': before.tag } : {};
    const response = await this.send(`api/v1/${path}`, { headers });
    if (response.status === 304 && before) {
      return undefined;
    }
    const body = (await response.json()) as Body;
    const tag = response.headers.get('ETag');
    if (tag === null) {
      this.known.delete(path);
      return body;
    }
    const same = before?.tag === tag;
    this.known.set(path, { tag, body });
    return same ? undefined : body;
  }

  /** Let the next polls bring everything again. */
  forget(): void {
    this.known.clear();
  }

  async get<Body>(path: string): Promise<Body> {
    return (await this.send(`api/v1/${path}`)).json() as Promise<Body>;
  }

  async text(path: string): Promise<string> {
    return (await this.send(`api/v1/${path}`)).text();
  }

  /**
   * Give a command. The same command sent again after a lost answer has the same key: it takes effect once.
   */
  async command<Body>(path: string, body: unknown = null): Promise<Body> {
    const content = JSON.stringify(body ?? {});
    const fingerprint = `${path} ${content}`;
    if (this.unanswered?.fingerprint !== fingerprint) {
      this.unanswered = { fingerprint, key: UUID.uuid4() };
    }
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': this.unanswered.key };
    try {
      const response = await this.send(`api/v1/${path}`, { method: 'POST', headers, body: content });
      this.unanswered = null;
      return (await response.json()) as Body;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status < 500) {
        this.unanswered = null;
      }
      throw error;
    }
  }

  async screens(): Promise<Screens> {
    return (await this.send('api/screens')).json() as Promise<Screens>;
  }

  private async send(path: string, init: RequestInit = {}): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, ROOT, path);
    // 'reload' keeps the browser's cache out of the way, so that a 304 arrives here.
    const response = await ServerConnection.makeRequest(url, { cache: 'reload', ...init }, this.settings);
    this.noteClock(response);
    if (response.ok || response.status === 304) {
      return response;
    }
    throw new ProblemError(await readProblem(response, this.trans));
  }

  private noteClock(response: Response): void {
    const date = Date.parse(response.headers.get('Date') ?? '');
    // The header has whole seconds: a difference below that is no difference.
    const skew = Number.isNaN(date) ? 0 : date - Date.now();
    this.skew = Math.abs(skew) > 1500 ? skew : 0;
  }
}

async function readProblem(response: Response, trans: TranslationBundle): Promise<Problem> {
  const { status } = response;
  const body = parsed(await response.text());
  if (typeof body.code === 'string' && typeof body.title === 'string') {
    const none = { detail: '', hint: '', faults: [] };
    return { ...none, ...body, status } as unknown as Problem;
  }
  const detail = typeof body.message === 'string' ? body.message : '';
  // Jupyter answers 403 to who is not logged in; another 403 says why.
  if (status === 401 || (status === 403 && ['', 'Forbidden'].includes(detail))) {
    const title = trans.__('You are not logged in');
    return { title, status, detail: '', code: SIGNED_OUT, hint: trans.__('Log in again.'), faults: [] };
  }
  const [title, hint] = wordsOf(status, trans);
  return { title, status, detail, code: 'NO_PROBLEM', hint, faults: [] };
}

function parsed(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {}; // a page of a proxy, say: the status says enough
  }
}

function wordsOf(status: number, trans: TranslationBundle): [title: string, hint: string] {
  if (status === 403) {
    return [trans.__('You may not do this'), ''];
  }
  if (status === 404) {
    return [
      trans.__('This JupyterLab is not connected to a gateway'),
      trans.__('Start JupyterLab with `millstream up`, which tells its server where the gateway is (MILLSTREAM_URL).')
    ];
  }
  return [
    trans.__('The server answered %1', status),
    trans.__('Look at `millstream doctor`, or at the logs of the gateway.')
  ];
}
