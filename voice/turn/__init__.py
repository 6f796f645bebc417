"""Turn-taking: has the turn ended, is this a barge-in."""
