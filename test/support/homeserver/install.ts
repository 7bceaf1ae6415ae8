/** Finds a Synapse to run, or installs one in the user's cache folder. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { bootstrapSid, canBootstrap, inChroot } from './debian.ts';
import { buildOnce } from './lock.ts';
import { onPath, run } from './run.ts';

/** The one that the cache gets. */
export const SYNAPSE_VERSION = '1.163.2';
/** The oldest that is accepted where the user brings their own. */
const OLDEST = [1, 160] as const;

/** A link to the Python that made the venv: it dangles once an upgrade has removed that Python, and the venv is made anew. */
const VENV_PYTHON = 'bin/python';
const SID_PYTHON = 'usr/bin/python3';

export interface SynapseProgram {
  readonly version: string;
  /** Where it was found, for people. */
  readonly origin: string;
  /** What to spawn to run its Python with `args`, able to see the folders `visible` at their own paths. */
  command(args: readonly string[], visible: readonly string[]): [file: string, args: string[]];
}

export type Progress = (line: string) => void;

const toStandardError: Progress = (line) => console.error(line);

let found: Promise<SynapseProgram> | undefined;

/** Looks once in a process's life, so that servers starting in parallel share one search and one installation. */
export function findSynapse(progress: Progress = toStandardError): Promise<SynapseProgram> {
  found ??= search(progress);
  return found;
}

async function search(progress: Progress): Promise<SynapseProgram> {
  const named = process.env['VOLLY_SYNAPSE'];
  // What the user names is used or refused, never replaced.
  if (named) {
    try {
      return await accept(await interpreterOf(named.includes('/') ? resolve(named) : (onPath(named) ?? named)), 'VOLLY_SYNAPSE');
    } catch (cause) {
      throw new Error(`VOLLY_SYNAPSE=${named}: ${(cause as Error).message}`, { cause });
    }
  }
  const installed = onPath('synapse_homeserver');
  if (installed !== undefined) {
    try {
      return await accept(await interpreterOf(installed), 'PATH');
    } catch (error) {
      progress(`Passing over ${installed}: ${(error as Error).message}`);
    }
  }
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'volly');
  const venv = join(cache, `synapse-${SYNAPSE_VERSION}`);
  const sid = join(cache, 'synapse-debian-sid');
  if (!existsSync(join(venv, VENV_PYTHON)) && existsSync(join(sid, SID_PYTHON))) return inSid(sid);
  const reasons: string[] = [];
  try {
    await buildOnce(venv, VENV_PYTHON, (folder) => buildVenv(folder, venv, progress));
    return inVenv(venv);
  } catch (error) {
    reasons.push((error as Error).message);
  }
  if (canBootstrap()) {
    try {
      progress(`No Synapse from the Python package index; making a small Debian with one in ${sid} (once, some minutes)`);
      await buildOnce(sid, SID_PYTHON, (folder) => bootstrapSid(folder, progress));
      return await inSid(sid);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new Error(`No Synapse to run. Any one of these brings it:
- VOLLY_SYNAPSE=… a Python interpreter that can import synapse ${OLDEST.join('.')} or newer, or a synapse_homeserver executable
- synapse_homeserver on PATH
- Python 3.10 or newer with venv (Debian: python3-venv), and a Python package index that pip reaches
- root on Debian, and a mirror that debootstrap reaches
What was tried:
${reasons.join('\n')}`);
}

async function buildVenv(folder: string, target: string, progress: Progress): Promise<void> {
  progress(`Installing Synapse ${SYNAPSE_VERSION} into ${target} (once, about 20 s)`);
  const onLine: Progress = (line) => {
    const said = /^(Collecting \S+|Installing collected packages|ERROR.*|WARNING: Retrying.*)/.exec(line)?.[1];
    if (said !== undefined) progress(`  ${said}`);
  };
  await run('python3', ['-m', 'venv', folder], { onLine });
  const python = join(folder, VENV_PYTHON);
  // The venv is renamed into place afterwards: its console scripts then point nowhere, its interpreter works, and only that is used.
  await run(python, ['-m', 'pip', 'install', '--no-input', `matrix-synapse==${SYNAPSE_VERSION}`], { onLine });
  await version(python, ['-I']); // never put a venv in place that cannot even import it
}

const inVenv = async (venv: string): Promise<SynapseProgram> => ({
  version: SYNAPSE_VERSION,
  origin: venv,
  command: (args) => [join(venv, VENV_PYTHON), [...args]],
});

async function inSid(root: string): Promise<SynapseProgram> {
  const command = (args: readonly string[], visible: readonly string[]): [string, string[]] => [
    'unshare',
    inChroot(root, visible, ['python3', ...args]),
  ];
  return { version: recentEnough(await version(...command(['-I'], []))), origin: root, command };
}

async function accept(python: string, origin: string): Promise<SynapseProgram> {
  return { version: recentEnough(await version(python, ['-I'])), origin, command: (args) => [python, [...args]] };
}

/** A `synapse_homeserver` is a Python script, and its first lines name the interpreter that has Synapse (the third form is pip's for long paths). */
async function interpreterOf(program: string): Promise<string> {
  if (basename(program).startsWith('python')) return program;
  const head = (await readFile(program, 'latin1')).slice(0, 1_000);
  const python = /^#! ?(?:\S*\/env )?(.*python[\d.]*)/.exec(head)?.[1] ?? /^'''exec' "?(.*python[\d.]*)/m.exec(head)?.[1];
  if (python === undefined)
    throw new Error(`${program} names no Python interpreter in its first lines; give VOLLY_SYNAPSE the interpreter`);
  return python;
}

const version = async (file: string, args: readonly string[]): Promise<string> =>
  (await run(file, [...args, '-c', 'import synapse; print(synapse.__version__)'])).trim();

function recentEnough(found: string): string {
  const [major = 0, minor = 0] = found.split('.').map(Number.parseFloat);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return found;
  throw new Error(`Synapse ${found} is older than ${OLDEST.join('.')}`);
}
