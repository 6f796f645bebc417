/** The HTTP API, typed as far as the pages use it. Errors carry the problem's own words. */

export type Mode = "practice" | "screen";
export type Status = "invited" | "consented" | "live" | "waiting" | "ended" | "cancelled" | "unreadable";

export interface Invitation {
  id: string;
  title: string;
  candidate: string;
  mode: Mode;
  questions: number;
  minutes: number;
  consent_text: string;
  consented: boolean;
  status: Status;
  outcome: string | null;
  may_read_report: boolean;
  has_report: boolean;
  stars: number | null;
}

export interface RoomAccess {
  url: string;
  token: string;
  room: string;
  identity: string;
}

export interface Summary {
  id: string;
  title: string;
  candidate: string;
  mode: Mode;
  status: Status;
  outcome: string | null;
  created: number;
  questions: number;
  asked: number;
  has_report: boolean;
}

export interface Details extends Summary {
  role: string;
  level: string;
  minutes: number;
  room: string;
  consented: boolean;
  agent_there: boolean;
  floor: "agent" | "notes" | "panel";
  engines: Record<string, string>;
  current_question: string;
  holes: number;
  trouble: string;
}

export interface Created {
  id: string;
  link: string;
  expires: number;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    detail: string,
  ) {
    super(detail);
  }
}

export class Api {
  constructor(readonly token: string) {}

  async get<T>(path: string): Promise<T> {
    return (await this.request("GET", path)).json() as Promise<T>;
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return (await this.request("POST", path, body)).json() as Promise<T>;
  }

  /** A file as a URL for players; they cannot send headers themselves. */
  async blobUrl(path: string): Promise<string> {
    return URL.createObjectURL(await (await this.request("GET", path)).blob());
  }

  async request(method: string, path: string, body?: unknown, signal?: AbortSignal, more: Record<string, string> = {}) {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.token}`, ...more };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response: Response;
    try {
      response = await fetch(`/api/v1${path}`, {
        method,
        headers,
        signal: signal ?? null,
        body: body === undefined ? null : JSON.stringify(body),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0, "offline", "The server cannot be reached. Check your connection; nothing is lost.");
    }
    if (!response.ok) {
      const problem = (await response.json().catch(() => ({}))) as { type?: string; detail?: string };
      const kind = (problem.type ?? "").replace("urn:vivavoce:", "");
      throw new Problem(response.status, kind, problem.detail ?? `The server answered ${response.status}.`);
    }
    return response;
  }
}

/** What a page shows of an error. */
export function words(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
