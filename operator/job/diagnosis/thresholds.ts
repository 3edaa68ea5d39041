/**
 * The lines at which findings are raised and cleared, each with where it comes from. A line that clears lies well on
 * the good side of the one that raises: between them a finding stays as it is.
 */
export const THRESHOLDS = {
  /** A rolling mean spans a twentieth of the points, so that a curve of any length gets about twenty means. */
  window: { share: 0.05, least: 10, most: 50 },

  diverging: {
    /**
     * A loss is back at 1.5 times its best mean: spikes of large runs return within tens of steps (PaLM, section 5.1;
     * OPT-175B logbook), a run that stays there for a whole window does not come back by itself.
     */
    raise: 1.5,
    clear: 1.15,
    /** The rise must stand out of the noise of single steps by this many standard errors. */
    sigmas: 6,
    /** A loss near nothing may double without meaning anything: 0.1 nats at least. */
    leastRise: 0.1,
  },

  high: {
    /**
     * Nats a token. An even guess costs ln(32,000) = 10.4; tuned chat models begin between 1 and 3 (QLoRA, figures of
     * appendix B). Above 3.5 text does not look like text to the model: a wrong template, language or tokenizer.
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
     * Two looks in a row worse than the best by 3 %: early stopping with patience 2 (Prechelt 1998 finds slower criteria
     * gain about 4 % for four times the training).
     */
    looks: 2,
    raise: 0.03,
    clear: 0.01,
    /** Meanwhile the training loss went on falling by this share. */
    trainFall: 0.02,
  },

  dataWait: {
    /**
     * Share of a step spent waiting for rows. A loader that keeps up shows below 0.05; from 0.3 on nearly a third of
     * what is paid for stands still, more than a faster card would gain.
     */
    raise: 0.3,
    clear: 0.15,
    /** Points that must agree: the first steps always wait, while workers start and caches fill. */
    points: 20,
    skipPoints: 5,
  },

  nonFinite: {
    /**
     * Mixed precision with fp16 skips a few steps by design while it finds its loss scale (PyTorch AMP halves from
     * 65,536 on each overflow, then tries again every 2,000 steps): one in fifty is more than that.
     */
    share: 0.02,
    least: 5,
  },

  saves: {
    /** One failed save may be chance; work at risk for longer than two intervals between saves is not. */
    intervals: 2,
  },
} as const;
