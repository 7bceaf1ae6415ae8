/** A mistake in the configuration, and what the operator is told of it. */

/** The least there can be. */
export const GOOD = `homeserver:
  server_name: orchid.example
gateway:
  public_url: wss://volly.orchid.example
`;

export interface Mistake {
  readonly name: string;
  readonly text: string;
  /** The whole lines behind the file's name: line, column, option, what was found, what is allowed, what may have been meant. */
  readonly problems: readonly string[];
}
