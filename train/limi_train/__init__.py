"""A data set becomes a model: masks, fidelity gate, memory plan, worker, backends."""
