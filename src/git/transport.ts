export interface GitRequest {
  /** Below the repository's URL, with a leading /. */
  path: string;
  headers?: Record<string, string>;
  /** Makes it a POST. */
  body?: Buffer;
  /** Of the answer; more is refused while it comes. */
  maxBytes: number;
}

export interface GitAnswer {
  contentType: string;
  body: AsyncIterable<Buffer>;
}

/** The way to one repository, in the requests of Git's smart HTTP protocol. */
export interface Transport {
  /** Rejects, and the body throws, with ReasonError; all requests end with the signal that it was made with. */
  ask(request: GitRequest): Promise<GitAnswer>;
  /** Ends what is still open. */
  close(): void;
}
