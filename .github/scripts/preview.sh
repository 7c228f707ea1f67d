#!/usr/bin/env bash
# Says what a pull request would change in a stack, as a comment that each push renews.
# From the environment: STACK, NUMBER (of the pull request), GH_TOKEN, GITHUB_REPOSITORY.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pulumi install
status=0
pulumi preview --stack "$STACK" --diff --non-interactive --color never >"$work/plan" 2>&1 || status=$?
cat "$work/plan"

{
    echo "### What this changes in \`$STACK\`"
    [ "$status" = 0 ] || echo "The preview failed."
    echo '```'
    # A comment holds 65,536 characters; the end has the summary. A fence in the plan would end ours.
    tail -c 60000 "$work/plan" | sed 's/```/` ` `/g'
    echo '```'
} >"$work/comment"
gh pr comment "$NUMBER" --repo "$GITHUB_REPOSITORY" --edit-last --create-if-none --body-file "$work/comment"
exit "$status"
