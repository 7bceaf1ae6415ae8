/** Where setup asks and tells. */
import { createInterface, type Interface } from 'node:readline/promises';
import { VollyError } from '../../errors.ts';

export interface Terminal {
  /** False: there is nobody to ask. */
  readonly interactive: boolean;
  /** One line or several. */
  say(text: string): void;
  /** What was typed, without blanks around it. Throws `setup_ended` at Ctrl-C and where the input ends. */
  ask(question: string): Promise<string>;
  /** No more questions: from now on Ctrl-C ends the program as it always does. */
  close(): void;
}

export interface Streams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

export function openTerminal({ input, output }: Streams, interactive: boolean): Terminal {
  let lines: Interface | undefined;
  const open = (): Interface => {
    const made = createInterface({ input, output });
    made.once('SIGINT', () => made.close());
    return made;
  };
  return {
    interactive,
    say: (text) => void output.write(`${text}\n`),
    async ask(question) {
      lines ??= open();
      const end = new AbortController();
      const onClose = (): void => end.abort();
      lines.once('close', onClose);
      try {
        return (await lines.question(question, { signal: end.signal })).trim();
      } catch (error) {
        output.write('\n');
        throw new VollyError('setup_ended', undefined, { cause: error });
      } finally {
        lines.off('close', onClose);
      }
    },
    close() {
      lines?.close();
    },
  };
}
