import { registerHooks } from 'node:module';

/** Stryker's runner asks for these by the names that they had before Mocha 12.0.1. */
const RENAMED = /\/mocha\/lib\/cli\/(run-helpers|options|collect-files)$/;

registerHooks({
  resolve: (specifier, context, next) => next(RENAMED.test(specifier) ? `${specifier}.cjs` : specifier, context),
});
