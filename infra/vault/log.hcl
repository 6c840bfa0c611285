# The log service keeps nothing under Vault's keys yet. Its login exists so that every service has one; it opens nothing.
