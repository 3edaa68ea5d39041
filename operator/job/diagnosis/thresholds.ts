/**
 * The lines at which findings are raised and cleared, each with where it comes from; where no source is named it is our
 * own choice, tried on recorded and made-up curves. A line that clears lies well on
 * the good side of the one that raises: between them a finding stays as it is.
 */
export const THRESHOLDS = {
  /** A rolling mean spans a twentieth of the points, so that a curve of any length gets about twenty means. */
  window: { share: 0.05, least: 10, most: 50 },

  diverging: {
    /**
     * A loss is back at 1.5 times its best mean. Spikes happen to runs that end well: PaLM 540B saw about twenty, and went
     * on from some 100 steps before each, past 200 to 500 batches (arXiv 2204.02311, section 5.1). So one that stays for
     * a whole window is told, not a spike; how high and how long is our own choice.
     */
    raise: 1.5,
    clear: 1.15,
    /** The rise must stand out of the noise of single steps by this many standard errors. */
    sigmas: 6,
    /** A loss near nothing may double without meaning anything: 0.1 nats at least. */
    leastRise: 0.1,
  },

  /** A curve shows where the training began if its first point lies within this share of the steps. */
  beginning: { share: 0.05 },

  high: {
    /**
     * Nats a token. An even guess costs ln(32,000) = 10.4; runs of this trainer begin between 1 and 3. Above 3.5 text
     * does not look like text to the model: a wrong template, language or tokenizer. Our own choice.
     */
    raise: 3.5,
    clear: 3.0,
    /** Within a tenth of the run and twice its warm-up the loss falls by a twentieth where anything is learned. */
    leastFall: 0.05,
    afterShare: 0.1,
    afterWarmups: 2,
    afterSteps: 30,
  },

  notImproving: {
    /** After a third of the steps and sixty points a run that learns is measurably below where it began. */
    afterShare: 0.33,
    afterPoints: 60,
    /** Less than two in a hundred, and less than three standard errors: nothing that could be told from noise. */
    leastFall: 0.02,
    clearFall: 0.05,
    sigmas: 3,
    /** An evaluation that got better by this share of the base model's says that it learns, whatever the loss does. */
    evaluationGain: 0.01,
  },

  overfitting: {
    /**
     * Two looks in a row worse than the best by 3 %: a generalization loss with patience, both our own choice. Waiting
     * longer pays little: slower criteria gain about 4 % for four times the training (Prechelt 1998, Early Stopping - But
     * When?, over 1,296 runs of multi-layer perceptrons).
     */
    looks: 2,
    raise: 0.03,
    clear: 0.01,
    /** Meanwhile the training loss went on falling by this share. */
    trainFall: 0.02,
  },

  dataWait: {
    /**
     * Share of a step spent waiting for rows, which is 0 for a loader that keeps up. From 0.3 on nearly a third of what
     * is paid for stands still. Our own choice.
     */
    raise: 0.3,
    clear: 0.15,
    /** Points that must agree: the first steps always wait, while workers start and caches fill. */
    points: 20,
    skipPoints: 5,
  },

  gpuIdle: {
    /**
     * Share of the time in which any kernel ran, as NVML tells it (nvmlUtilization_t: of sample periods of a sixth of a
     * second to one second). It says nothing of how well a kernel uses the GPU, so only a low figure means something:
     * below a third two thirds of what is paid for stand still. Our own choice.
     */
    raise: 0.33,
    clear: 0.5,
    /** The first steps load and compile. */
    points: 25,
  },

  nonFinite: {
    /**
     * Mixed precision with fp16 skips a few steps by design while it finds its loss scale: torch.amp.GradScaler begins at
     * 2^16, halves on each overflow and doubles after 2,000 steps without one (its defaults). One in fifty is more than
     * that.
     */
    share: 0.02,
    least: 5,
  },

  saves: {
    /** One failed save may be chance; work at risk for longer than two intervals between saves is not. */
    intervals: 2,
  },
} as const;
