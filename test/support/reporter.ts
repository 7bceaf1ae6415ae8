/** mocha's spec reporter; at the end it also leaves the run's counts where test/run.ts adds them up. */
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env['VOLLY_TEST_COUNTS'];
    if (file) {
      runner.once('end', () => {
        const { passes, failures, pending } = this.stats;
        writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      });
    }
  }
}
