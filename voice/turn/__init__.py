"""Turn-taking: has the turn ended, and is this a barge-in?"""
