// Core's Cedar evaluator under one name.

export * as cedar from '../../../../core/src/action/cedar/index.ts';
