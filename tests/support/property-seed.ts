import fc from 'fast-check';

/** Property tests draw the same cases in every run; TITRATE_PROPERTY_SEED draws others. */
fc.configureGlobal({ seed: Number(process.env.TITRATE_PROPERTY_SEED ?? 20261126) });
