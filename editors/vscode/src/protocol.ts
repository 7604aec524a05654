// What the server and its clients say to each other beyond LSP; docs/REFERENCE.md describes it.

export interface Paused {
  everywhere: boolean;
  languages: string[];
  uris: string[];
}

export interface Status {
  state: 'loading' | 'ready' | 'busy' | 'error' | 'paused' | 'disabled';
  model: string;
  reason?: string;
  lastLatencyMs?: number;
  paused: Paused;
}

export interface Model {
  name: string;
  description: string;
  licence: string;
  bytes: number;
  installed: boolean;
  active: boolean;
}

/** One language and model in one week. */
export interface Figures {
  week: string;
  language: string;
  model: string;
  n_suggestions: number;
  n_shown: number;
  n_accepted: number;
  accepted_characters: number;
  wait_p50_ms: number | null;
  wait_p95_ms: number | null;
}

/** What became of the last request in a document. */
export interface Explanation {
  why: string;
  is_shown: boolean;
  total_ms: number;
  snippets: { path: string; first_line: number; last_line: number; why: string }[];
}

/** Where suggestions pause: everywhere, in a language or in a document. */
export interface PauseTarget {
  language?: string;
  uri?: string;
}
