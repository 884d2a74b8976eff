// Words of Sluice: ids, states, transitions, outcomes, errors and the ports everything else implements.
export {};
