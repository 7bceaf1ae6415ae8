/**
 * Synapse from Debian's own archive, for machines that reach a Debian mirror but no Python index: a small Debian sid in a
 * folder, run by chroot. Needs root.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath, run } from './run.ts';

export const canBootstrap = (): boolean => process.getuid?.() === 0 && existsSync('/etc/debian_version');

/** debootstrap is shell scripts: where it is not installed, its package unpacked serves, and the machine stays as it was. */
async function debootstrap(args: string[], onLine: (line: string) => void): Promise<void> {
  const installed = onPath('debootstrap');
  if (installed !== undefined) return void (await run(installed, args, { onLine }));
  const folder = await mkdtemp(join(tmpdir(), 'volly-debootstrap-'));
  try {
    await run('sh', ['-c', 'cd "$1" && apt-get download debootstrap && dpkg -x ./*.deb .', 'sh', folder], { onLine });
    const env = { ...process.env, DEBOOTSTRAP_DIR: join(folder, 'usr/share/debootstrap') };
    await run(join(folder, 'usr/sbin/debootstrap'), args, { onLine, env });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function bootstrapSid(folder: string, onLine: (line: string) => void): Promise<void> {
  // python3-cffi-backend must be named, or dpkg leaves it unconfigured.
  const include = '--include=matrix-synapse,python3-cffi-backend,ca-certificates';
  // Of its thousand lines those that are not one a package.
  const fewer = (line: string) =>
    /^([EW]: |I: (?!Retrieving|Validating|Extracting|Unpacking|Configuring))/.test(line) && onLine(`  ${line}`);
  await debootstrap(['--variant=minbase', include, 'sid', folder], fewer);
  await rm(join(folder, 'var/cache/apt/archives'), { recursive: true, force: true });
  if (!(await readdir(join(folder, 'usr/bin'))).includes('python3')) throw new Error('debootstrap left no python3');
}

/**
 * The arguments of `unshare` that run a program in `root` with `visible` folders at their own paths. In a mount namespace of its own:
 * the mounts go with the process, nothing to clean up. Each step execs the next, so the process keeps its id.
 */
export function inChroot(root: string, visible: readonly string[], command: readonly string[]): string[] {
  const script = `set -e
root=$1; count=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$count" -gt 0 ]; do
  mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; shift; count=$((count - 1))
done
exec chroot "$root" "$@"`;
  return ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', root, String(visible.length), ...visible, ...command];
}
