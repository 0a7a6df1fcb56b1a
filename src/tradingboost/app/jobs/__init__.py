"""What runs in the background: back-tests, searches, tidying up. Nothing here can reach an order.

kinds    the sorts of job, their arguments, and the schedule
office   where jobs are asked for, looked at and cancelled
"""
