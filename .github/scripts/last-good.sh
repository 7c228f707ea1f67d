#!/usr/bin/env bash
# Finds the commit that a stack goes back to, and writes it to GITHUB_OUTPUT as `commit`.
# From the environment: STACK, ASKED (a commit, or nothing), GH_TOKEN, GITHUB_REPOSITORY, GITHUB_OUTPUT.
#
# The last good commit is that of the latest deployment that succeeded at another commit than the
# deployment before this one. GitHub notes a deployment for every job that has an environment.
set -euo pipefail

fail() {
    echo "::error::$*"
    exit 1
}

if [ -n "$ASKED" ]; then
    [[ $ASKED =~ ^[0-9a-f]{40}$ ]] || fail "'$ASKED' is no commit: give all 40 digits, from 'git log'."
    commit=$ASKED
else
    present='' commit=''
    while read -r id sha; do
        present=${present:-$sha}
        [ "$sha" != "$present" ] || continue
        state=$(gh api "repos/$GITHUB_REPOSITORY/deployments/$id/statuses" --jq '[.[].state] | if any(. == "success") then "success" else "other" end')
        if [ "$state" = success ]; then
            commit=$sha
            break
        fi
    done < <(gh api "repos/$GITHUB_REPOSITORY/deployments?environment=$STACK&per_page=100" --jq '.[] | "\(.id) \(.sha)"')
    [ -n "$commit" ] || fail "No deployment of $STACK before the present one has succeeded: name a commit."
fi
git merge-base --is-ancestor "$commit" HEAD ||
    fail "The commit $commit is not part of main: only what was reviewed is deployed."
echo "Going back to $commit: $(git log -1 --format=%s "$commit")"
echo "commit=$commit" >>"$GITHUB_OUTPUT"
