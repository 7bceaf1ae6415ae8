/** One answer after the other: by its flag, by asking, or by what is suggested. */
import { VollyError } from '../../errors.ts';
import { type Answers, explain, FLAGS, fromText, mistakeIn, type OptionName, type Value } from './options.ts';
import type { Terminal } from './terminal.ts';

/** Flag → its text; what has no value is true. */
export type Given = Readonly<Partial<Record<OptionName, string | true>>>;

export interface Question {
  /** What is asked, in some words. */
  readonly title: string;
  /** What Enter takes, and what holds where nobody is asked. */
  readonly suggest?: Value | undefined;
  /** False: the suggestion holds unless a flag says otherwise. */
  readonly asked?: boolean;
  /** What the schema cannot know. Throws the VollyError that says what is wrong. */
  readonly check?: (value: Value) => Promise<void> | void;
}

/** The value that a flag gives. Throws `bad_answer`. */
export function flagValue(name: OptionName, given: string | true): Value {
  const value = given === true ? true : fromText(name, given);
  const mistake = mistakeIn(name, value);
  if (mistake !== undefined) throw new VollyError('bad_answer', `${FLAGS[name]}: ${mistake}`);
  return value;
}

export class Form {
  readonly #given: Given;
  readonly #terminal: Terminal;
  readonly #answers = new Map<OptionName, Value>();
  readonly #missing: string[] = [];

  constructor(given: Given, terminal: Terminal) {
    this.#given = given;
    this.#terminal = terminal;
  }

  get interactive(): boolean {
    return this.#terminal.interactive;
  }

  /** What its flag says. */
  given(name: OptionName): string | true | undefined {
    return this.#given[name];
  }

  /** What is decided so far. */
  answer(name: OptionName): Value | undefined {
    return this.#answers.get(name);
  }

  say(text: string): void {
    this.#terminal.say(text);
  }

  /** Undefined where nobody says it; `done` throws then. Throws `bad_answer`, what `check` throws, and `setup_ended`. */
  async fill(name: OptionName, question: Question): Promise<Value | undefined> {
    const { suggest, asked = true, check } = question;
    const given = this.#given[name];
    let value = suggest;
    if (given !== undefined) {
      value = flagValue(name, given);
      await check?.(value);
    } else if (this.interactive && asked) value = await this.#ask(name, question);
    if (value === undefined) this.#missing.push(FLAGS[name]);
    else this.#answers.set(name, value);
    return value;
  }

  /** Throws `bad_answer` with every flag that is missing. */
  done(): Answers {
    if (this.#missing.length > 0) throw new VollyError('bad_answer', `needed and not given: ${this.#missing.join(', ')}`);
    return this.#answers;
  }

  /** Until an answer is right. */
  async #ask(name: OptionName, { title, suggest, check }: Question): Promise<Value> {
    this.say(`\n${explain(name)}`);
    for (;;) {
      const typed = await this.#terminal.ask(`${title}${suggest === undefined ? '' : ` [${suggest}]`}: `);
      const value = typed === '' && suggest !== undefined ? suggest : fromText(name, typed);
      const mistake = mistakeIn(name, value) ?? (await complaint(() => check?.(value)));
      if (mistake === undefined) return value;
      this.say(`  ${mistake}`);
    }
  }
}

/** What a check has to say, without its code. */
async function complaint(check: () => Promise<void> | void): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof VollyError) return error.message.slice(error.code.length + 2);
    throw error;
  }
}
