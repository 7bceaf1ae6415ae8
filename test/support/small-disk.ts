/** A disk that is soon full: a tmpfs of its own, which takes root to mount. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Undefined where this process may not mount one. */
  static mount(kilobytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'volly-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=700`, 'volly-test', path], { stdio: 'ignore' });
      return new SmallDisk(path);
    } catch {
      rmdirSync(path);
      return undefined;
    }
  }

  /** Leaves room for so many bytes, to the next page of memory. */
  fill(leave = 0): void {
    const { bavail, bsize } = statfsSync(this.path);
    writeFileSync(join(this.path, 'filler'), new Uint8Array(Math.max(0, bavail * bsize - leave)));
  }

  empty(): void {
    rmSync(join(this.path, 'filler'), { force: true });
  }

  unmount(): void {
    execFileSync('umount', [this.path]);
    rmdirSync(this.path);
  }
}
