// Core's trust rules, until they stand in the index of @writ/core; then this file becomes an import of the package.

export * from '../../../../core/src/action/trust/index.ts';
